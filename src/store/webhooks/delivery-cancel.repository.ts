import { OPEN_STATES } from '../../contracts/webhooks/delivery.js';
import { idWindow } from '../../domain/webhooks/replay-selection.js';
import { DURABLE } from '../connection.js';
import type { WebhookModels } from './webhook-models.js';

const ROWS_PER_WRITE = 1000;
const BEGINNING = new Date(0);

/** Ends what is open for an endpoint up to a time, a thousand at once, so that no write holds up the others for long. */
export class DeliveryCancelRepository {
  constructor(private readonly models: WebhookModels) {}

  /** @param before deliveries of messages accepted earlier than this. @returns how many were ended */
  async cancelBefore(ep: string, before: Date, reason: string): Promise<number> {
    const { to } = idWindow('dlv', { since: BEGINNING, until: before });
    let canceled = 0;
    for (const state of OPEN_STATES) canceled += await this.#cancel({ ep, state, _id: { $lt: to } }, reason);
    return canceled;
  }

  async #cancel(
    filter: { ep: string; state: string; _id: { $lt: string } },
    reason: string,
  ): Promise<number> {
    let canceled = 0;
    for (;;) {
      const rows = await this.#rows
        .find(filter as never, { projection: { _id: 1 } })
        .sort({ _id: 1 })
        .limit(ROWS_PER_WRITE)
        .toArray();
      if (rows.length === 0) return canceled;
      const { modifiedCount } = await this.#rows.updateMany(
        { _id: { $in: rows.map((row) => row._id) }, state: { $in: [...OPEN_STATES] } } as never,
        { $set: { state: 'canceled', reason }, $inc: { rev: 1 }, $unset: { q: '' } },
        { writeConcern: DURABLE },
      );
      canceled += modifiedCount;
    }
  }

  get #rows() {
    return this.models.deliveries.collection;
  }
}
