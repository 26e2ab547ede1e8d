import { condition, proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import { ENDPOINT_ID, JOB_KIND, OUTCOME, TENANT_ID } from '../../src/contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../src/contracts/webhooks/delivery.js';
import type { WebhookActivities } from '../../src/contracts/webhooks/dispatch.js';
import type { RetryInput } from '../../src/contracts/webhooks/jobs.js';

const { sendAttempt } = proxyActivities<WebhookActivities>({
  taskQueue: WEBHOOK_QUEUES.retry,
  startToCloseTimeout: '35 seconds',
});

/** What webhookRetry must never become: it tries first and waits afterwards. */
export async function webhookRetry(input: RetryInput): Promise<void> {
  const { deliveryId, messageId, endpointId, appId, n, nextAt } = input;
  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.retry' },
    { key: TENANT_ID, value: appId },
    { key: ENDPOINT_ID, value: endpointId },
    { key: OUTCOME, value: 'waiting' },
  ]);
  await sendAttempt({ deliveryId, messageId, endpointId, appId, trigger: 'scheduled' });
  await condition(() => false, Date.parse(nextAt) - Date.now(), { summary: `attempt ${n + 1} at ${nextAt}` });
}
