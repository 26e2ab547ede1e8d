import { DURABLE } from '../connection.js';
import type { ApplicationRepository } from './application.repository.js';
import type { WebhookModels } from './webhook-models.js';

/** What deliveries tell about their endpoint: since when it fails, and that it must be disabled. */
export class EndpointHealthRepository {
  constructor(
    private readonly models: WebhookModels,
    private readonly applications: ApplicationRepository,
  ) {}

  /** Disables an endpoint. Announced like every change of an endpoint: no message accepted later goes to it. */
  async disable(id: string, app: string, reason: string, now: Date): Promise<void> {
    await this.applications.bumpRevision(app);
    await this.models.endpoints.updateOne(
      { _id: id, disabled: false },
      { $set: { disabled: true, disabledReason: reason, updatedAt: now }, $inc: { rev: 1 } },
      { writeConcern: DURABLE },
    );
    await this.applications.bumpRevision(app);
  }

  /** Notes since when endpoints fail without a success between; null once they work. No revision: nothing to reload. */
  async setFailing(changes: ReadonlyMap<string, Date | null>): Promise<void> {
    if (changes.size === 0) return;
    const operations = [...changes].map(([id, failingSince]) => ({
      updateOne: { filter: { _id: id as never }, update: { $set: { failingSince } } },
    }));
    await this.models.endpoints.collection.bulkWrite(operations, {
      ordered: false,
      writeConcern: { w: 1 },
    });
  }
}
