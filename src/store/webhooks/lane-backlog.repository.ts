import { OPEN_STATES, ORDER_HELD } from '../../contracts/webhooks/delivery.js';
import { DURABLE } from '../connection.js';
import type { DeliveryRow } from './delivery.schema.js';
import type { WebhookModels } from './webhook-models.js';

/** What waits for one endpoint, and moving it from lane to lane. */
export class LaneBacklogRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Since when the longest waiting delivery of an endpoint in a lane is due; null when none is due at `now`. */
  async dueSince(ep: string, lane: string, now: Date): Promise<Date | null> {
    const [row] = await this.#rows
      .find({ 'q.l': lane, 'q.at': { $lte: now }, ep } as never, { projection: { q: 1 } })
      .sort({ 'q.at': 1 })
      .limit(1)
      .toArray();
    return (row as unknown as DeliveryRow | undefined)?.q?.at ?? null;
  }

  /** How many deliveries of an endpoint are due in a lane, counted up to a limit. */
  async dueInLane(ep: string, lane: string, now: Date, limit: number): Promise<number> {
    const filter = { ep, state: { $in: [...OPEN_STATES] }, 'q.l': lane, 'q.at': { $lte: now } };
    return this.#rows.countDocuments(filter as never, { limit });
  }

  /** Open deliveries of an endpoint in a lane, whatever their due time: ids and revisions. */
  async inLane(ep: string, lane: string, limit: number): Promise<Pick<DeliveryRow, '_id' | 'rev'>[]> {
    const rows = await this.#rows
      .find({ ep, state: { $in: [...OPEN_STATES] }, 'q.l': lane } as never, { projection: { rev: 1 } })
      .limit(limit)
      .toArray();
    return rows as unknown as Pick<DeliveryRow, '_id' | 'rev'>[];
  }

  /** Moves deliveries to another lane; those that left `from` meanwhile stay where they are. @returns how many moved */
  async move(ids: readonly string[], from: string, to: string): Promise<number> {
    const { modifiedCount } = await this.#rows.updateMany(
      { _id: { $in: ids as never[] }, 'q.l': from },
      { $set: { 'q.l': to }, $inc: { rev: 1 } },
      { writeConcern: DURABLE },
    );
    return modifiedCount;
  }

  /** Gives up what only held an order, so that those behind it go on. */
  async endHeldOrders(ep: string): Promise<void> {
    await this.#rows.updateMany(
      { ep, state: 'held', reason: ORDER_HELD },
      { $set: { state: 'exhausted', reason: 'order_released' }, $inc: { rev: 1 }, $unset: { q: '' } },
      { writeConcern: DURABLE },
    );
  }

  get #rows() {
    return this.models.deliveries.collection;
  }
}
