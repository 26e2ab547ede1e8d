import type { OauthIn } from '../../../contracts/webhooks/endpoint-oauth.js';
import { tokenFrom, tokenRequest } from '../../../domain/webhooks/oauth-token.js';
import { VERSION } from '../../../platform/version.js';
import type { HttpSender } from '../http-sender.js';

/** How an endpoint gets its tokens. Equal settings have the same id, and share tokens. */
export interface OwnOauth {
  id: string;
  settings: OauthIn;
}

/** The value of the header, or why there is none: a fault of the proxy is ours. */
export type Authorization = { header: string } | { fault: string; errorCode: 'oauth_error' | 'proxy_error' };

interface Kept {
  authorization: Promise<Authorization>;
  /** By `performance.now`; infinite while it is asked for. */
  untilMs: number;
}

/** Longest exchange for a token. */
const TIMEOUT_MS = 10_000;
const MAX_KEPT = 10_000;

/** Access tokens of endpoints: asked for by the guarded sender, one request at a time each, kept while they last. */
export class AccessTokens {
  readonly #kept = new Map<string, Kept>();

  constructor(
    private readonly sender: HttpSender,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  of(oauth: OwnOauth): Promise<Authorization> {
    const known = this.#kept.get(oauth.id);
    if (known !== undefined && this.nowMs() < known.untilMs) return known.authorization;
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    const kept: Kept = { authorization: Promise.resolve({ header: '' }), untilMs: Number.POSITIVE_INFINITY };
    kept.authorization = this.#ask(oauth.settings, kept);
    this.#kept.set(oauth.id, kept);
    return kept.authorization;
  }

  /** A receiver refused it: the next try asks for another. */
  async drop({ id }: OwnOauth, header: string): Promise<void> {
    const known = this.#kept.get(id);
    const current = await known?.authorization;
    if (current !== undefined && 'header' in current && current.header === header) this.#kept.delete(id);
  }

  async #ask(settings: OauthIn, kept: Kept): Promise<Authorization> {
    const { headers, body } = tokenRequest(settings);
    const url = new URL(settings.tokenUrl);
    const request = {
      url,
      headers: { ...headers, 'user-agent': `Holdfast-Webhooks/${VERSION}` },
      body: Buffer.from(body),
      timeoutMs: TIMEOUT_MS,
    };
    try {
      const { code, response, errorCode } = await this.sender.send(request);
      const token =
        errorCode === null ? tokenFrom(code, response) : { fault: `could not be asked (${errorCode})` };
      if ('header' in token) {
        kept.untilMs = this.nowMs() + token.forSec * 1_000;
        return { header: token.header };
      }
      kept.untilMs = 0;
      return {
        fault: `${url.host}${url.pathname} ${token.fault}`,
        errorCode: errorCode === 'proxy_error' ? 'proxy_error' : 'oauth_error',
      };
    } catch (error) {
      kept.untilMs = 0;
      throw error;
    }
  }
}
