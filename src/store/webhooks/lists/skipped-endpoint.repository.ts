import type { SkippedTarget } from '../../../contracts/webhooks/delivery.js';
import type { Page, PageRequest } from '../../../contracts/webhooks/page.js';
import { pageOf } from '../../bounded-page.js';
import type { MessageRow } from '../message.schema.js';
import { skippedBy, skippedRuns, targetEndpoints } from '../packed-targets.js';
import type { PackedTargets } from '../packed-targets.js';
import type { WebhookModels } from '../webhook-models.js';

export interface SkippedEndpoint {
  _id: string;
  uid: string | null;
  why: SkippedTarget['why'];
}

interface KnownEndpoint {
  _id: string;
  uid: string | null;
  deletedAt: Date | null;
}

interface Reading {
  /** Below or above this id, by direction; null = from the end of the list. */
  from: string | null;
  ascending: boolean;
  limit: number;
  /** Only this endpoint; null = all. */
  only: string | null;
}

/** Rows up to `through`; null = to the end of the list. */
interface Read {
  rows: SkippedEndpoint[];
  through: string | null;
}

/** Endpoints that are looked at for one page. */
const SCAN_ROWS = 500;

/**
 * The endpoints that a message passed over. Where they were many the message has only the ends of their runs: who lies
 * between is read from the endpoints, so those whose rows retention has removed since are missing.
 */
export class SkippedEndpointRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Newest endpoint first; a page may be short, as in `boundedPage`. */
  async ofMessage(
    message: MessageRow,
    only: string | null,
    request: PageRequest,
  ): Promise<Page<SkippedEndpoint>> {
    const { limit, iterator } = request;
    const backwards = iterator?.startsWith('-') ?? false;
    const reading = { from: iterator?.replace(/^-/, '') ?? null, ascending: backwards, limit, only };
    const { rows, through } = await (message.packed === undefined
      ? this.#written(message, reading)
      : this.#between(message, message.packed, reading));
    const data = rows.slice(0, limit);
    const more = rows.length > limit;
    const reached = more ? data.at(-1)?._id : (through ?? data.at(-1)?._id);
    return pageOf(data, { done: !more && through === null, reached, backwards });
  }

  async #written({ skipped }: MessageRow, { from, ascending, limit, only }: Reading): Promise<Read> {
    const further = skipped
      .filter(({ e }) => only === null || e === only)
      .filter(({ e }) => from === null || (ascending ? e > from : e < from))
      .sort((a, b) => (a.e < b.e === ascending ? -1 : 1))
      .slice(0, limit + 1);
    const known = await this.#endpoints({ _id: { $in: further.map(({ e }) => e) } }, ascending, limit + 1);
    const uids = new Map(known.map(({ _id, uid }) => [_id, uid]));
    return {
      rows: further.map(({ e, why }) => ({ _id: e, uid: uids.get(e) ?? null, why })),
      through: null,
    };
  }

  async #between(
    message: MessageRow,
    packed: PackedTargets,
    { from, ascending, only }: Reading,
  ): Promise<Read> {
    const runs = skippedRuns(packed);
    if (runs.length === 0) return { rows: [], through: null };
    const conditions: object[] = [{ _id: { $gte: runs[0]!.first, $lte: runs.at(-1)!.last } }];
    if (from !== null) conditions.push({ _id: ascending ? { $gt: from } : { $lt: from } });
    if (only !== null) conditions.push({ _id: only });
    const within = { app: message.app, $and: conditions };
    const known = await this.#endpoints(within, ascending, SCAN_ROWS);
    const targets = targetEndpoints(message);
    const rows = known.flatMap(({ _id, uid, deletedAt }) => {
      const isGone = deletedAt !== null && deletedAt <= message.at;
      const why = isGone || targets.has(_id) ? null : skippedBy(runs, _id);
      return why === null ? [] : [{ _id, uid, why }];
    });
    return { rows, through: known.length < SCAN_ROWS ? null : known.at(-1)!._id };
  }

  async #endpoints(
    filter: Record<string, unknown>,
    ascending: boolean,
    limit: number,
  ): Promise<KnownEndpoint[]> {
    const rows = await this.models.endpoints.collection
      .find(filter, { projection: { uid: 1, deletedAt: 1 } })
      .sort({ _id: ascending ? 1 : -1 })
      .limit(limit)
      .toArray();
    return rows as unknown as KnownEndpoint[];
  }
}
