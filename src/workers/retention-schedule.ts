import { ScheduleAlreadyRunning } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { WEBHOOK_QUEUES } from '../contracts/webhooks/delivery.js';
import { RETENTION_WORKFLOW } from '../contracts/webhooks/retention-job.js';

/** Creates the schedule that removes every hour what is older than it is kept, unless it is there. */
export async function ensureRetentionSchedule(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: RETENTION_WORKFLOW,
      spec: { intervals: [{ every: '1 hour', offset: '10 minutes' }] },
      policies: { overlap: 'SKIP', catchupWindow: '1 hour' },
      action: {
        type: 'startWorkflow',
        workflowType: RETENTION_WORKFLOW,
        workflowId: RETENTION_WORKFLOW,
        taskQueue: WEBHOOK_QUEUES.control,
        args: [],
        staticSummary: 'removes webhook payloads, attempts and rows that are older than they are kept',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
