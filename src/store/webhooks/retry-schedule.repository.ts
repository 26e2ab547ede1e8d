import type { RetrySchedule } from '../../contracts/webhooks/endpoint-policy.js';
import type { WebhookModels } from './webhook-models.js';

/** Where waits between tries may be set beside the endpoint. Null = not set there. */
export class RetryScheduleRepository {
  constructor(private readonly models: WebhookModels) {}

  async ofApplication(id: string): Promise<RetrySchedule | null> {
    const found = await this.models.applications.collection.findOne(
      { _id: id as never },
      { projection: { retrySchedule: 1 } },
    );
    return (found?.['retrySchedule'] as RetrySchedule | undefined) ?? null;
  }

  async ofEventType(name: string): Promise<RetrySchedule | null> {
    const found = await this.models.applications.db
      .collection<{ _id: string; retrySchedule?: RetrySchedule | null }>('wh_event_types')
      .findOne({ _id: name }, { projection: { retrySchedule: 1 } });
    return found?.retrySchedule ?? null;
  }
}
