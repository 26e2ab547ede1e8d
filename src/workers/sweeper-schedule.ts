import { ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { WEBHOOK_QUEUES } from '../contracts/webhooks/delivery.js';
import { SWEEPER_WORKFLOW } from '../contracts/webhooks/jobs.js';

/** Creates the schedule that sweeps every 30 seconds, unless it is there. */
export async function ensureSweeperSchedule(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: SWEEPER_WORKFLOW,
      spec: { intervals: [{ every: '30 seconds' }] },
      policies: { overlap: 'SKIP', catchupWindow: '1 minute' },
      action: {
        type: 'startWorkflow',
        workflowType: SWEEPER_WORKFLOW,
        workflowId: SWEEPER_WORKFLOW,
        taskQueue: WEBHOOK_QUEUES.control,
        args: [],
        staticSummary: 'mends what a crash may have left undone in webhook delivery',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

/** Removes the schedule: only for the negative control of the crash tests. */
export async function removeSweeperSchedule(client: Client): Promise<void> {
  try {
    await client.schedule.getHandle(SWEEPER_WORKFLOW).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
