import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { SendAttemptInput, WebhookActivities } from '../../../src/contracts/webhooks/dispatch.js';

const LIMITS = { startToCloseTimeout: '35 seconds' } as const;
const regular = proxyActivities<WebhookActivities>(LIMITS);
const local = proxyLocalActivities<WebhookActivities>(LIMITS);

/** What webhooks would be if each delivery were a workflow, with nothing in it but the try. */
export async function deliveryShape(input: SendAttemptInput, activity: 'regular' | 'local'): Promise<void> {
  await (activity === 'local' ? local : regular).sendAttempt(input);
}
