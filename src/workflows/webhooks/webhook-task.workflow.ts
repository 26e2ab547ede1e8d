import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import { JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import type { TaskState } from '../../contracts/webhooks/replay.js';
import type { TaskActivities, TaskInput, TaskProgress } from '../../contracts/webhooks/task.js';
import { pagedTask, percentOf } from './paged-task.js';

const retry = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' } as const;
const { taskPages, steerTask } = proxyActivities<TaskActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '15 seconds',
  retry,
});
const { countTask } = proxyActivities<TaskActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15 seconds',
  retry,
});

/** Carries a background task out, some seconds at a time. */
export async function webhookTask(input: TaskInput): Promise<TaskState> {
  const { taskId, appId, title } = input;
  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.task' },
    ...(appId === null ? [] : [{ key: TENANT_ID, value: appId }]),
    { key: OUTCOME, value: 'waiting' },
  ]);
  return pagedTask(input, {
    title,
    orders: [],
    count: () => countTask.executeWithOptions({ summary: 'count what there is to look at' }, [{ taskId }]),
    page: (n) => taskPages.executeWithOptions({ summary: `call ${n} of this run` }, [{ taskId }]),
    steer: (steering) => steerTask.executeWithOptions({ summary: steering.action }, [{ taskId, steering }]),
    inWords,
  });
}

function inWords({ total, seen, counted }: TaskProgress): string {
  return `Looked at ${seen} of ${total ?? '?'}${percentOf(total, seen)}, ${counted} counted`;
}
