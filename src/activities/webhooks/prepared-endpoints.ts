import { createHash } from 'node:crypto';
import { parseSigningKey } from '../../domain/webhooks/signature.js';
import type { SigningKey } from '../../domain/webhooks/signature.js';
import type { SecretBox } from '../../platform/secret-box.js';
import type { DeliverySourceRepository } from '../../store/webhooks/delivery-source.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import type { OwnTls } from './transport/origin-pools.js';
import type { OwnOauth } from './oauth/access-tokens.js';
import { shownHeaders } from './shown-headers.js';
import type { ShownHeaders } from './shown-headers.js';

/** An endpoint with its secrets opened and its URL parsed, once per revision. */
export interface PreparedEndpoint {
  row: EndpointRow;
  url: URL;
  headers: Record<string, string>;
  /** What attempts show of the headers. */
  shown: ShownHeaders;
  keys: { key: SigningKey; until: Date | null }[];
  tls: OwnTls | null;
  /** How it gets access tokens; null where it wants none. */
  oauth: OwnOauth | null;
  /** Nothing about it had changed when its application had this revision. */
  appRev: number;
  /** When that was found, by `performance.now`. */
  provenMs: number;
  /** Set when its secrets cannot be read: our fault, which must not use up tries. */
  unusable: string | null;
}

const MAX_KEPT = 10_000;
/** A process that died while it changed an endpoint has told only half of it: the change is found by then. */
const PROVEN_FOR_MS = 60_000;

/** Endpoints ready to be sent to. What is kept is compared with the stored revision each time it is asked for. */
export class PreparedEndpoints {
  readonly #kept = new Map<string, PreparedEndpoint>();

  constructor(
    private readonly source: DeliverySourceRepository,
    private readonly box: SecretBox,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** The endpoints as they are now; those that are gone are left out. */
  async current(ids: readonly string[]): Promise<Map<string, PreparedEndpoint>> {
    const revisions = await this.source.endpointRevisions(ids);
    const stale = ids.filter((id) => revisions.has(id) && this.#kept.get(id)?.row.rev !== revisions.get(id));
    if (stale.length > 0) await this.#load(stale);
    const found = new Map<string, PreparedEndpoint>();
    for (const id of ids) {
      const endpoint = revisions.has(id) ? this.#kept.get(id) : undefined;
      if (endpoint !== undefined) found.set(id, endpoint);
    }
    return found;
  }

  /** One endpoint as of a revision of its application, without reading anything if it is known so. */
  async asOf(id: string, app: string, appRev: number): Promise<PreparedEndpoint | undefined> {
    const kept = this.#kept.get(id);
    const nowMs = this.nowMs();
    if (kept?.appRev === appRev && nowMs - kept.provenMs < PROVEN_FOR_MS) return kept;
    // The revision first: a change in between then shows as another revision.
    const revision = (await this.source.applicationRevisions([app])).get(app);
    const current = (await this.current([id])).get(id);
    if (current !== undefined && revision !== undefined)
      Object.assign(current, { appRev: revision, provenMs: nowMs });
    return current;
  }

  async #load(ids: readonly string[]): Promise<void> {
    if (this.#kept.size + ids.length > MAX_KEPT) this.#kept.clear();
    for (const row of await this.source.endpoints(ids)) this.#kept.set(row._id, this.#prepare(row));
  }

  #prepare(row: EndpointRow): PreparedEndpoint {
    const proven = { appRev: 0, provenMs: 0 };
    const url = new URL(row.url);
    try {
      const headers: Record<string, string> =
        row.headersEnc === null ? {} : JSON.parse(this.box.open(row.headersEnc));
      const keys = row.keys.map(({ enc, until }) => ({ key: parseSigningKey(this.box.open(enc)), until }));
      const tls = row.tlsEnc == null ? null : withId<OwnTls>(this.box.open(row.tlsEnc));
      const oauth = row.oauthEnc == null ? null : withId<OwnOauth>(this.box.open(row.oauthEnc));
      const shown = shownHeaders({ ...headers, ...tokenHeader(oauth) });
      return { row, url, headers, shown, keys, tls, oauth, ...proven, unusable: null };
    } catch (error) {
      const unusable = (error as Error).message;
      return { row, url, headers: {}, shown: {}, keys: [], tls: null, oauth: null, ...proven, unusable };
    }
  }
}

/** Settings with an id that equal ones share. */
const withId = <Own extends { id: string; settings: unknown }>(json: string): Own =>
  ({ id: createHash('sha256').update(json).digest('base64'), settings: JSON.parse(json) as unknown }) as Own;

/** A header that a try will have, for what attempts show: names only, since it is secret. */
export const tokenHeader = (oauth: OwnOauth | null): Record<string, string> =>
  oauth === null ? {} : { authorization: '' };
