import type { WalkKind } from '../../../contracts/webhooks/task.js';
import type { MessageAccept } from '../message-accept.js';
import type { StatisticsRepository } from '../statistics/statistics.repository.js';
import type { WebhookModels } from '../webhook-models.js';
import { ApplicationUsage } from './application-usage.js';
import { Broadcast } from './broadcast.js';
import { ContentPurge } from './content-purge.js';
import { EventTypeExport } from './event-type-export.js';
import { SubscribedTypes } from './subscribed-types.js';
import type { TaskWalk } from './task-walk.js';
import type { WalkTaskRepository } from './walk-task.repository.js';

interface WalkNeeds {
  pages: WalkTaskRepository;
  statistics: StatisticsRepository;
  accepting: MessageAccept;
}

/** What each kind of task does. */
export const taskWalks = (
  models: WebhookModels,
  { pages, statistics, accepting }: WalkNeeds,
): Record<WalkKind, TaskWalk> => ({
  'application.purge_content': new ContentPurge(models, pages),
  'application.stats': new ApplicationUsage(models, statistics),
  'event-type.aggregate': new SubscribedTypes(models),
  'message.broadcast': new Broadcast(models, accepting),
  'sdk.generate': new EventTypeExport(models),
});
