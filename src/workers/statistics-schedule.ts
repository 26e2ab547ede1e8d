import { ScheduleAlreadyRunning } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { WEBHOOK_QUEUES } from '../contracts/webhooks/delivery.js';
import { STATISTICS_WORKFLOW } from '../contracts/webhooks/statistics-recount.js';

/** Creates the schedule that counts the statistics of each day again in the night after it, unless it is there. */
export async function ensureStatisticsSchedule(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: STATISTICS_WORKFLOW,
      spec: { calendars: [{ hour: 0, minute: 40 }] },
      policies: { overlap: 'SKIP', catchupWindow: '12 hours' },
      action: {
        type: 'startWorkflow',
        workflowType: STATISTICS_WORKFLOW,
        workflowId: STATISTICS_WORKFLOW,
        taskQueue: WEBHOOK_QUEUES.control,
        args: [],
        staticSummary: 'counts the webhook statistics of yesterday again',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
