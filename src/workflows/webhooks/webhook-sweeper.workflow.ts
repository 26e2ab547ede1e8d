import { proxyActivities, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { JOB_KIND } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import type { SweepResult, WebhookActivities } from '../../contracts/webhooks/dispatch.js';

const { sweep } = proxyActivities<WebhookActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '60 seconds',
  heartbeatTimeout: '20 seconds',
  retry: { maximumAttempts: 3 },
});

/** One sweep; a schedule starts it every 30 seconds. */
export async function webhookSweeper(): Promise<SweepResult> {
  upsertSearchAttributes([{ key: JOB_KIND, value: 'webhook.sweep' }]);
  const result = await sweep.executeWithOptions({ summary: 'mend what a crash may have left undone' }, []);
  setCurrentDetails(
    `${result.inserted} missing deliveries inserted, ${result.restarted} retries started again, ` +
      `${result.returned} given back to their lane, woken lanes: ${result.wokenLanes.join(', ') || 'none'}`,
  );
  return result;
}
