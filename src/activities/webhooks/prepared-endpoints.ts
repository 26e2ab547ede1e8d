import { parseSigningKey } from '../../domain/webhooks/signature.js';
import type { SigningKey } from '../../domain/webhooks/signature.js';
import type { SecretBox } from '../../platform/secret-box.js';
import type { DeliverySourceRepository } from '../../store/webhooks/delivery-source.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';

/** An endpoint with its secrets opened and its URL parsed, once per revision. */
export interface PreparedEndpoint {
  row: EndpointRow;
  url: URL;
  headers: Record<string, string>;
  keys: { key: SigningKey; until: Date | null }[];
  /** Set when its secrets cannot be read: our fault, which must not use up tries. */
  unusable: string | null;
}

const MAX_KEPT = 10_000;

/** Endpoints ready to be sent to. What is kept is compared with the stored revision each time it is asked for. */
export class PreparedEndpoints {
  readonly #kept = new Map<string, PreparedEndpoint>();

  constructor(
    private readonly source: DeliverySourceRepository,
    private readonly box: SecretBox,
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

  async #load(ids: readonly string[]): Promise<void> {
    if (this.#kept.size + ids.length > MAX_KEPT) this.#kept.clear();
    for (const row of await this.source.endpoints(ids)) this.#kept.set(row._id, this.#prepare(row));
  }

  #prepare(row: EndpointRow): PreparedEndpoint {
    const url = new URL(row.url);
    try {
      const headers: Record<string, string> =
        row.headersEnc === null ? {} : JSON.parse(this.box.open(row.headersEnc));
      const keys = row.keys.map(({ enc, until }) => ({ key: parseSigningKey(this.box.open(enc)), until }));
      return { row, url, headers, keys, unusable: null };
    } catch (error) {
      return { row, url, headers: {}, keys: [], unusable: (error as Error).message };
    }
  }
}
