import type { CountedAttempt } from '../../../domain/webhooks/statistics/attempt-counts.js';
import { ksuidFloor } from '../../../domain/ksuid.js';
import type { WebhookModels } from '../webhook-models.js';

/** An attempt as it is counted, and when it was. */
export type CountedRow = CountedAttempt & { _id: string; at: Date };

const COUNTED = {
  ...{ n: 1, type: 1, code: 1, errorCode: 1, outcome: 1, durationMs: 1, sinceAcceptMs: 1, bytes: 1, late: 1 },
  at: 1,
};
const PAGE_ROWS = 2_000;
/** A try gets its id when it begins, in the order of its process; another's clock may differ a little. */
const ID_SLACK_MS = 60_000;

/** What statistics are counted again from. */
export class RecountSource {
  constructor(private readonly models: WebhookModels) {}

  /** Applications in the order of their ids, deleted ones too. */
  async applicationsAfter(id: string, limit: number): Promise<string[]> {
    const rows = await this.models.applications.collection
      .find({ _id: { $gt: id as never } }, { projection: { _id: 1 } })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray();
    return rows.map((row) => String(row._id));
  }

  async endpointsOf(app: string): Promise<string[]> {
    const rows = await this.models.endpoints.collection
      .find({ app }, { projection: { _id: 1 } })
      .sort({ _id: 1 })
      .toArray();
    return rows.map((row) => String(row._id));
  }

  /** The attempts of an endpoint that began in a window, page by page. */
  async *attempts(ep: string, fromMs: number, toMs: number): AsyncGenerator<CountedRow[]> {
    let after = floorOf(fromMs - ID_SLACK_MS);
    const before = floorOf(toMs + ID_SLACK_MS);
    for (;;) {
      const rows = (await this.models.attempts.collection
        .find({ ep, _id: { $gt: after as never, $lt: before as never } }, { projection: COUNTED })
        .sort({ _id: 1 })
        .limit(PAGE_ROWS)
        .batchSize(PAGE_ROWS)
        .toArray()) as unknown as CountedRow[];
      yield rows.filter(({ at }) => at.getTime() >= fromMs && at.getTime() < toMs);
      if (rows.length < PAGE_ROWS) return;
      after = rows.at(-1)!._id;
    }
  }
}

const floorOf = (ms: number) => `atmpt_${ksuidFloor(ms)}`;
