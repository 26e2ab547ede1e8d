import { DURABLE } from '../connection.js';
import type { WebhookModels } from './webhook-models.js';

const ROWS = 1_000;
const EVER = new Date(0);
const IDEMPOTENCY_MS = 24 * 3_600_000;

/** Removes what has an end of its own: first answers kept for idempotency, and old signing keys. */
export class ExpiredRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Nothing may depend on the store's own expiry, which not every server has. @returns how many */
  async removeFirstAnswers(now: Date): Promise<number> {
    const collection = this.models.messages.db.collection('wh_idem');
    const before = new Date(now.getTime() - IDEMPOTENCY_MS);
    const rows = await collection
      .find({ at: { $lt: before } }, { projection: { _id: 1 } })
      .limit(ROWS)
      .toArray();
    if (rows.length === 0) return 0;
    return (await collection.deleteMany({ _id: { $in: rows.map(({ _id }) => _id) } })).deletedCount;
  }

  /** They sign no longer since their overlap ended. @returns how many endpoints had some */
  async removeOldKeys(now: Date): Promise<number> {
    const { collection } = this.models.endpoints;
    const rows = await collection
      .find({ 'keys.until': { $gt: EVER, $lte: now } }, { projection: { _id: 1 } })
      .limit(ROWS)
      .toArray();
    if (rows.length === 0) return 0;
    await collection.updateMany(
      { _id: { $in: rows.map(({ _id }) => _id) } },
      { $pull: { keys: { until: { $gt: EVER, $lte: now } } } } as never,
      { writeConcern: DURABLE },
    );
    return rows.length;
  }
}
