import type { LeasedPosition } from '../../../domain/webhooks/poller-lease.js';
import { DURABLE } from '../../connection.js';
import { isDuplicateKey } from '../../duplicate-key.js';
import type { WebhookModels } from '../webhook-models.js';

/** A consumer that commits what it has worked through. Every move compares and bumps `rev`. */
export interface LeasedConsumerRow extends LeasedPosition {
  /** `<poller>:<consumer>:leased`: a consumer of the first version has another position. */
  _id: string;
  rev: number;
  at: Date;
}

/** Positions of consumers that commit. A position moves only from where it was read. */
export class PollerLeaseRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Null until its first call. */
  async find(poller: string, consumer: string): Promise<LeasedConsumerRow | null> {
    const found = await this.#rows.findOne({ _id: idOf(poller, consumer) as never });
    return found as unknown as LeasedConsumerRow | null;
  }

  /** @param from as it was read @returns whether it moved; false when another call moved it meanwhile */
  async move(
    poller: string,
    consumer: string,
    from: LeasedConsumerRow | null,
    { after, offset, ids, last, until }: LeasedPosition,
  ): Promise<boolean> {
    const _id = idOf(poller, consumer) as never;
    const to = { after, offset, ids, last, until, at: new Date() };
    if (from === null) {
      try {
        await this.#rows.insertOne({ _id, rev: 1, ...to }, { writeConcern: DURABLE });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return false;
      }
    }
    const moved = await this.#rows.updateOne(
      { _id, rev: from.rev },
      { $set: to, $inc: { rev: 1 } },
      { writeConcern: DURABLE },
    );
    return moved.matchedCount === 1;
  }

  get #rows() {
    return this.models.pollerConsumers.collection;
  }
}

const idOf = (poller: string, consumer: string) => `${poller}:${consumer}:leased`;
