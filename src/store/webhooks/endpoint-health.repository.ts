import { OPERATIONAL_APP } from '../../contracts/webhooks/operational-event.js';
import { DURABLE } from '../connection.js';
import { announced } from './announced.js';
import type { ApplicationRepository } from './application.repository.js';
import type { EndpointRow } from './endpoint.schema.js';
import { newOutboxEvent } from './operational/outbox.js';
import type { OutboxEvent } from './operational/outbox.js';
import type { WebhookModels } from './webhook-models.js';

/** What deliveries tell about their endpoint: since when it fails, and that it must be disabled. */
export class EndpointHealthRepository {
  constructor(
    private readonly models: WebhookModels,
    private readonly applications: ApplicationRepository,
  ) {}

  /**
   * Disables an endpoint. Announced like every change of an endpoint: no message accepted later goes to it.
   * @returns whether it was enabled before
   */
  async disable(
    { _id: id, app, failingSince }: Pick<EndpointRow, '_id' | 'app' | 'failingSince'>,
    reason: string,
    now: Date,
  ): Promise<boolean> {
    const since = failingSince === null ? {} : { failSince: failingSince.toISOString() };
    const trigger = reason === 'manual' ? 'manual' : 'automatic';
    const event = newOutboxEvent('endpoint.disabled', { ...since, trigger, reason }, now);
    return announced(this.applications, { _id: id, app }, async () => {
      const { modifiedCount } = await this.models.endpoints.updateOne(
        { _id: id, disabled: false },
        {
          $set: { disabled: true, disabledReason: reason, updatedAt: now },
          $unset: { circuit: '' },
          $inc: { rev: 1 },
          ...told(app, event),
        },
        { writeConcern: DURABLE },
      );
      return modifiedCount === 1;
    });
  }

  /** Notes that a warning was given. @returns false when somebody else gave it */
  async warn(
    { _id: id, app }: Pick<EndpointRow, '_id' | 'app'>,
    percent: number,
    more: Record<string, unknown>,
  ): Promise<boolean> {
    const notYet = { $or: [{ warned: { $exists: false } }, { warned: { $lt: percent } }] };
    const { modifiedCount } = await this.models.endpoints.collection.updateOne(
      { _id: id as never, ...notYet },
      { $set: { warned: percent }, ...told(app, newOutboxEvent('endpoint.failing', more)) } as never,
    );
    return modifiedCount === 1;
  }

  /** Notes since when endpoints fail without a success between; null once they work. No revision: nothing to reload. */
  async setFailing(changes: ReadonlyMap<string, Date | null>): Promise<void> {
    if (changes.size === 0) return;
    const operations = [...changes].map(([id, failingSince]) => ({
      updateOne: {
        // The first failure counts, whoever saw it.
        filter: { _id: id as never, ...(failingSince === null ? {} : { failingSince: null }) },
        update:
          failingSince === null
            ? { $set: { failingSince }, $unset: { warned: '' as const } }
            : { $set: { failingSince } },
      },
    }));
    await this.models.endpoints.collection.bulkWrite(operations, {
      ordered: false,
      writeConcern: { w: 1 },
    });
  }
}

const told = (app: string, event: OutboxEvent) =>
  app === OPERATIONAL_APP ? {} : { $push: { outbox: event } };
