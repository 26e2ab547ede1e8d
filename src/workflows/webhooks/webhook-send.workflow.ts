import {
  ActivityFailure,
  defineQuery,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { ENDPOINT_ID, JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import type {
  SendAttemptInput,
  SendAttemptResult,
  WebhookActivities,
} from '../../contracts/webhooks/dispatch.js';
import type { WebhookSendInput } from '../../contracts/webhooks/jobs.js';

export const status = defineQuery<SendAttemptResult | null>('status');

/** The quick first try happens in the workflow's own worker; a receiver that is slower gets a second one. */
const QUICK_TRY_MS = 6000;
const quick = proxyLocalActivities<Pick<WebhookActivities, 'sendAttempt'>>({
  startToCloseTimeout: '8 seconds',
  retry: { maximumAttempts: 1 },
});
const regular = proxyActivities<Pick<WebhookActivities, 'sendAttempt'>>({
  taskQueue: WEBHOOK_QUEUES.retry,
  startToCloseTimeout: '35 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 3 },
});

/** One try that somebody asked for. When the receiver fails, the delivery is retried like any other. */
export async function webhookSend(input: WebhookSendInput): Promise<SendAttemptResult> {
  const { deliveryId, messageId, endpointId, appId } = input;
  let result: SendAttemptResult | null = null;
  setHandler(status, () => result);
  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.send' },
    { key: TENANT_ID, value: appId },
    { key: ENDPOINT_ID, value: endpointId },
    { key: OUTCOME, value: 'waiting' },
  ]);
  result = await send({ deliveryId, messageId, endpointId, appId, trigger: 'manual' });
  upsertSearchAttributes([{ key: OUTCOME, value: result.outcome }]);
  setCurrentDetails(inWords(result));
  return result;
}

async function send(input: SendAttemptInput): Promise<SendAttemptResult> {
  try {
    return await quick.sendAttempt({ ...input, timeoutMs: QUICK_TRY_MS });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return regular.sendAttempt.executeWithOptions({ summary: 'once more: the first try was interrupted' }, [
      input,
    ]);
  }
}

function inWords({ outcome, n, why, nextAt }: SendAttemptResult): string {
  if (outcome === 'delivered') return `delivered with attempt ${n}`;
  if (outcome === 'retrying') return `attempt ${n} failed (${why}); the next is due at ${nextAt}`;
  return `${outcome} at attempt ${n} (${why})`;
}
