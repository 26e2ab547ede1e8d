import { Injectable } from '@nestjs/common';
import { openApiDocument } from '../../../domain/webhooks/event-schema/openapi-document.js';
import type { DocumentedType } from '../../../domain/webhooks/event-schema/openapi-document.js';
import type { UsageItem } from '../../../store/webhooks/task/application-usage.js';
import type { BroadcastItem } from '../../../store/webhooks/task/broadcast.js';
import type { SubscriptionItem } from '../../../store/webhooks/task/subscribed-types.js';
import { TaskResultRepository } from '../../../store/webhooks/task/task-result.repository.js';
import type { TaskRow } from '../../../store/webhooks/task/task.schema.js';

/** What a task found, under the names of the compatible API. */
export interface TaskResult {
  appStats?: UsageItem[];
  event_types?: SubscriptionItem[];
  messagesCreated?: BroadcastItem[];
  spec?: Record<string, unknown>;
}

/** Results of tasks that have ended; one that was stopped has found as much as it came to. */
@Injectable()
export class TaskResults {
  constructor(private readonly results: TaskResultRepository) {}

  async of({ _id, kind, endedAt }: TaskRow): Promise<TaskResult> {
    if (endedAt === null) return {};
    switch (kind) {
      case 'application.stats':
        return { appStats: await this.results.of<UsageItem>(_id) };
      case 'event-type.aggregate':
        return { event_types: await this.results.of<SubscriptionItem>(_id) };
      case 'message.broadcast':
        return { messagesCreated: await this.results.of<BroadcastItem>(_id) };
      case 'sdk.generate':
        return { spec: openApiDocument(await this.results.of<DocumentedType>(_id)) };
      default:
        return {};
    }
  }
}
