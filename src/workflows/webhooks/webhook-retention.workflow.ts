import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { JOB_KIND } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { RETENTION_STAGES } from '../../contracts/webhooks/retention-job.js';
import type {
  RetentionActivities,
  RetentionCursor,
  RetentionInput,
  RetentionTotals,
} from '../../contracts/webhooks/retention-job.js';

const PAGES_A_RUN = 50;

const { retentionPage } = proxyActivities<RetentionActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '60 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

/** Removes payloads, attempts and rows that are older than they are kept; a schedule starts it every hour. */
export async function webhookRetention(input: RetentionInput = {}): Promise<RetentionTotals> {
  upsertSearchAttributes([{ key: JOB_KIND, value: 'webhook.retention' }]);
  const totals = { ...(input.totals ?? nothing()) };
  let cursor: RetentionCursor | null = input.cursor ?? null;
  for (let pages = 0; ; pages++) {
    const summary =
      cursor === null ? 'begin' : `${cursor.stage}${cursor.app === null ? '' : ` of ${cursor.app}`}`;
    const page = await retentionPage.executeWithOptions({ summary }, [cursor]);
    totals[page.stage] += page.removed;
    setCurrentDetails(told(totals));
    cursor = page.next;
    if (cursor === null) return totals;
    if (pages + 1 >= PAGES_A_RUN || workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof webhookRetention>({ cursor, totals });
    }
  }
}

const nothing = () => Object.fromEntries(RETENTION_STAGES.map((stage) => [stage, 0])) as RetentionTotals;

function told(totals: RetentionTotals): string {
  const parts = RETENTION_STAGES.filter((stage) => totals[stage] > 0).map(
    (stage) => `${totals[stage]} ${stage}`,
  );
  return parts.length === 0 ? 'nothing was too old so far' : `removed: ${parts.join(', ')}`;
}
