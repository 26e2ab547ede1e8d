import type { Connection } from 'mongoose';
import { applicationSchema } from './application.schema.js';
import { attemptSchema } from './attempt.schema.js';
import { deliverySchema } from './delivery.schema.js';
import { endpointSchema } from './endpoint.schema.js';
import { eventTypeSchema } from './event-type/event-type.schema.js';
import { inboundEventSchema, inboundSourceSchema } from './inbound/inbound.schema.js';
import { laneSchema } from './lane.schema.js';
import { messageSchema } from './message.schema.js';
import { pollerConsumerSchema, pollerSchema } from './poller/poller.schema.js';
import { taskResultSchema } from './task/task-result.schema.js';
import { taskSchema } from './task/task.schema.js';

export type WebhookModels = ReturnType<typeof webhookModels>;

/** The models of the webhook collections on one connection. */
export function webhookModels(connection: Connection) {
  return {
    applications: connection.model('WebhookApplication', applicationSchema),
    eventTypes: connection.model('WebhookEventType', eventTypeSchema),
    endpoints: connection.model('WebhookEndpoint', endpointSchema),
    messages: connection.model('WebhookMessage', messageSchema),
    deliveries: connection.model('WebhookDelivery', deliverySchema),
    attempts: connection.model('WebhookAttempt', attemptSchema),
    lanes: connection.model('WebhookLane', laneSchema),
    pollers: connection.model('WebhookPoller', pollerSchema),
    pollerConsumers: connection.model('WebhookPollerConsumer', pollerConsumerSchema),
    tasks: connection.model('WebhookTask', taskSchema),
    taskResults: connection.model('WebhookTaskResult', taskResultSchema),
    inboundSources: connection.model('WebhookInboundSource', inboundSourceSchema),
    inbound: connection.model('WebhookInboundEvent', inboundEventSchema),
  };
}

/** Creates the collections' indexes; safe to run from several processes at once. */
export async function createWebhookIndexes(models: WebhookModels): Promise<void> {
  for (const model of Object.values(models)) await model.createIndexes();
}
