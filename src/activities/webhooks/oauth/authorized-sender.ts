import { setTimeout as delay } from 'node:timers/promises';
import { NO_ANSWER, SendAbortedError } from '../http-sender.js';
import type { HttpSender, OutgoingRequest, SendResult } from '../http-sender.js';
import type { AccessTokens, Authorization, OwnOauth } from './access-tokens.js';

export interface AuthorizedRequest extends OutgoingRequest {
  /** Null where the endpoint wants no token. */
  oauth: OwnOauth | null;
}

/** Sends webhooks, with a token where the endpoint wants one. */
export class AuthorizedSender {
  constructor(
    private readonly sender: HttpSender,
    private readonly tokens: AccessTokens,
  ) {}

  /** @throws SendAbortedError when `signal` fires before there is a result */
  async send({ oauth, ...request }: AuthorizedRequest, signal?: AbortSignal): Promise<SendResult> {
    if (oauth === null) return this.sender.send(request, signal);
    const started = performance.now();
    const authorization = await this.#authorization(oauth, request.timeoutMs);
    const spentMs = Math.round(performance.now() - started);
    if (signal?.aborted) throw new SendAbortedError('the try was given up');
    if ('fault' in authorization) return notAuthorized(authorization, spentMs);
    const headers = { ...request.headers, authorization: authorization.header };
    const timeoutMs = Math.max(request.timeoutMs - spentMs, 1);
    const result = await this.sender.send({ ...request, headers, timeoutMs }, signal);
    if (result.code === 401) await this.tokens.drop(oauth, authorization.header);
    return { ...result, durationMs: result.durationMs + spentMs };
  }

  /** A token that comes later than the try may take is there for the next one. */
  async #authorization(oauth: OwnOauth, withinMs: number): Promise<Authorization> {
    const over = new AbortController();
    const late = delay(withinMs, LATE, { signal: over.signal }).catch(() => LATE);
    try {
      return await Promise.race([this.tokens.of(oauth), late]);
    } finally {
      over.abort();
    }
  }
}

const LATE: Authorization = { fault: 'the token endpoint did not answer in time', errorCode: 'oauth_error' };

const notAuthorized = (
  { fault, errorCode }: Extract<Authorization, { fault: string }>,
  durationMs: number,
): SendResult => ({
  ...NO_ANSWER,
  errorCode,
  error: `no access token: ${fault}`,
  ip: null,
  durationMs,
});
