import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import type { TaskState } from '../../contracts/webhooks/replay.js';
import type { TaskActivities, TaskInput, TaskProgress, TaskSteering } from '../../contracts/webhooks/task.js';

export const pause = defineSignal('pause');
export const resume = defineSignal('resume');
export const cancel = defineSignal<[string?]>('cancel');
/** The task's row was changed from outside: look at it now. */
export const wake = defineSignal('wake');
export const progress = defineQuery<TaskProgress | null>('progress');

const CALLS_A_RUN = 50;
/** A paused task looks at its row this often, should the signal to go on be lost. */
const PAUSED_LOOK = '1 hour';

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

/** Carries a background task out, some seconds at a time. Where it stands is in the task's row, not here. */
export async function webhookTask(input: TaskInput): Promise<TaskState> {
  const { taskId, appId, title } = input;
  const orders: TaskSteering[] = [];
  let latest: TaskProgress | null = null;
  let woken = false;

  setHandler(progress, () => latest);
  setHandler(wake, () => {
    woken = true;
  });
  setHandler(pause, () => void orders.push({ action: 'pause' }));
  setHandler(resume, () => void orders.push({ action: 'resume' }));
  setHandler(
    cancel,
    (reason) => void orders.push({ action: 'cancel', reason: reason ?? 'canceled_by_operator' }),
  );

  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.task' },
    ...(appId === null ? [] : [{ key: TENANT_ID, value: appId }]),
    { key: OUTCOME, value: 'waiting' },
  ]);
  try {
    await countTask.executeWithOptions({ summary: 'count what there is to look at' }, [{ taskId }]);
    for (let calls = 0; ; calls++) {
      for (let steering = orders.shift(); steering !== undefined; steering = orders.shift()) {
        await steerTask.executeWithOptions({ summary: steering.action }, [{ taskId, steering }]);
      }
      if (calls >= CALLS_A_RUN || workflowInfo().continueAsNewSuggested) break;
      woken = false;
      latest = await taskPages.executeWithOptions({ summary: `call ${calls + 1} of this run` }, [{ taskId }]);
      setCurrentDetails(inWords(title, latest));
      if (latest.state !== 'running' && latest.state !== 'paused') return end(latest.state);
      if (latest.state === 'paused') {
        await condition(() => woken || orders.length > 0, PAUSED_LOOK, { summary: 'paused' });
      }
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    const steering = { action: 'cancel', reason: 'canceled_by_operator' } as const;
    await CancellationScope.nonCancellable(() => steerTask({ taskId, steering }));
    return end('canceled');
  }
  await condition(allHandlersFinished);
  return continueAsNew<typeof webhookTask>(input);
}

function end(state: TaskState): TaskState {
  upsertSearchAttributes([{ key: OUTCOME, value: state }]);
  return state;
}

function inWords(title: string, { state, total, seen, counted, reason }: TaskProgress): string {
  const percent =
    total === null || total === 0 ? '' : ` (${Math.min(100, Math.floor((seen * 100) / total))} %)`;
  const why = reason === null ? '' : `: ${reason}`;
  return `${title}: ${state}${why}. Looked at ${seen} of ${total ?? '?'}${percent}, ${counted} counted`;
}
