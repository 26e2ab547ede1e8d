import { proxyActivities, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { JOB_KIND, PERIOD } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { LATE_RESULT_MS } from '../../contracts/webhooks/statistics-recount.js';
import type { RecountResult, StatisticsActivities } from '../../contracts/webhooks/statistics-recount.js';

const { recountStatistics, pruneStatistics } = proxyActivities<StatisticsActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '4 hours',
  heartbeatTimeout: '60 seconds',
  retry: { initialInterval: '10 seconds', maximumInterval: '5 minutes', maximumAttempts: 20 },
});

const DAY_MS = 86_400_000;

/** Counts the attempts of the latest day that is over again and mends the statistics; a schedule starts it every night. */
export async function webhookStatistics(): Promise<RecountResult> {
  // Workflow time: the start of this task, the same at every replay.
  const day = new Date(Date.now() - LATE_RESULT_MS - DAY_MS).toISOString().slice(0, 10);
  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.statistics' },
    { key: PERIOD, value: day },
  ]);
  const result = await recountStatistics.executeWithOptions({ summary: `count ${day} again` }, [day]);
  const removed = await pruneStatistics.executeWithOptions({ summary: 'remove old statistics' }, []);
  setCurrentDetails(
    `${day}: ${result.attempts} attempts counted, ${result.repaired} buckets mended; ${removed} old ones removed`,
  );
  return result;
}
