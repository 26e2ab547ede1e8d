import { DURABLE } from '../../connection.js';
import { isDuplicateKey } from '../../duplicate-key.js';
import type { WebhookModels } from '../webhook-models.js';
import type { PollerConsumerRow } from './poller.schema.js';

/** Positions of consumers. A position moves only from where it was read. */
export class PollerConsumerRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Null until its first call. */
  find(poller: string, consumer: string): Promise<PollerConsumerRow | null> {
    return this.models.pollerConsumers
      .findOne({ _id: `${poller}:${consumer}` })
      .lean<PollerConsumerRow | null>();
  }

  /** @param from as it was read @returns whether it moved; false when another call moved it meanwhile */
  async move(poller: string, consumer: string, from: PollerConsumerRow | null, after: string) {
    const _id = `${poller}:${consumer}`;
    const at = new Date();
    const { collection } = this.models.pollerConsumers;
    if (from === null) {
      try {
        await collection.insertOne({ _id, after, rev: 1, at } as never, { writeConcern: DURABLE });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return false;
      }
    }
    const moved = await collection.updateOne(
      { _id: _id as never, rev: from.rev },
      { $set: { after, at }, $inc: { rev: 1 } },
      { writeConcern: DURABLE },
    );
    return moved.matchedCount === 1;
  }
}
