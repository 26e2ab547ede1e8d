// What the workflow bundle holds: every workflow, by its type name.
export { endpointRecovery } from './webhooks/endpoint-recovery.workflow.js';
export { webhookDispatcher } from './webhooks/webhook-dispatcher.workflow.js';
export { webhookReplay } from './webhooks/webhook-replay.workflow.js';
export { webhookRetry } from './webhooks/webhook-retry.workflow.js';
export { webhookSend } from './webhooks/webhook-send.workflow.js';
export { webhookSweeper } from './webhooks/webhook-sweeper.workflow.js';
export { webhookTask } from './webhooks/webhook-task.workflow.js';
export { webhookStatistics } from './webhooks/webhook-statistics.workflow.js';
export { webhookRetention } from './webhooks/webhook-retention.workflow.js';
