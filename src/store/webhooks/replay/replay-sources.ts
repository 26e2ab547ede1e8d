import type { ReplayKind } from '../../../contracts/webhooks/replay.js';
import type { WebhookModels } from '../webhook-models.js';
import { ReplayDeliveries } from './replay-deliveries.js';
import { ReplayMissing } from './replay-missing.js';
import type { ReplaySource } from './replay-source.js';

/** Where each kind of task takes its messages from. */
export function replaySources(models: WebhookModels): Record<ReplayKind, ReplaySource> {
  const deliveries = new ReplayDeliveries(models);
  return {
    'endpoint.recover': deliveries,
    'endpoint.bulk-replay': deliveries,
    'endpoint.replay': new ReplayMissing(models),
  };
}
