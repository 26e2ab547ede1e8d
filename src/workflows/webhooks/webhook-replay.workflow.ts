import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { ENDPOINT_ID, JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { REPLAY_RATE } from '../../contracts/webhooks/replay.js';
import type {
  ReplayActivities,
  ReplayInput,
  ReplayProgress,
  Steering,
  TaskState,
} from '../../contracts/webhooks/replay.js';

export const pause = defineSignal('pause');
export const resume = defineSignal('resume');
export const cancel = defineSignal<[string?]>('cancel');
/** The task's row was changed from outside: look at it now. */
export const wake = defineSignal('wake');
export const setRate = defineUpdate<void, [number]>('setRate');
export const progress = defineQuery<ReplayProgress | null>('progress');

const PAGES_A_RUN = 50;
/** A paused task looks at its row this often, should the signal to go on be lost. */
const PAUSED_LOOK = '1 hour';

const { replayPage } = proxyActivities<ReplayActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '60 seconds',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});
const { steerReplay } = proxyActivities<ReplayActivities>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});
const counting = proxyActivities<Pick<ReplayActivities, 'previewReplay'>>({
  taskQueue: WEBHOOK_QUEUES.control,
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
});

/** Has messages of an endpoint sent again, page by page. Where it stands is in the task's row, not here. */
export async function webhookReplay(input: ReplayInput): Promise<TaskState> {
  const { taskId, appId, endpointId, title } = input;
  const orders: Steering[] = [];
  let latest: ReplayProgress | null = null;
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
  setHandler(setRate, (ratePerSec) => void orders.push({ action: 'setRate', ratePerSec }), {
    validator: (ratePerSec) => {
      if (Number.isInteger(ratePerSec) && ratePerSec >= REPLAY_RATE.least && ratePerSec <= REPLAY_RATE.most)
        return;
      throw new Error(
        `expected ${REPLAY_RATE.least} to ${REPLAY_RATE.most} messages a second, got ${ratePerSec}`,
      );
    },
  });

  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.replay' },
    { key: TENANT_ID, value: appId },
    { key: ENDPOINT_ID, value: endpointId },
    { key: OUTCOME, value: 'waiting' },
  ]);
  try {
    await counting.previewReplay.executeWithOptions({ summary: 'count what there is to send' }, [{ taskId }]);
    for (let pages = 0; ; pages++) {
      await carryOutOrders();
      if (pages >= PAGES_A_RUN || workflowInfo().continueAsNewSuggested) break;
      woken = false;
      latest = await replayPage.executeWithOptions({ summary: `page ${pages + 1} of this run` }, [
        { taskId },
      ]);
      setCurrentDetails(inWords(title, latest));
      if (latest.state !== 'running' && latest.state !== 'paused') return end(latest.state);
      await nextPage(latest);
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    const steering = { action: 'cancel', reason: 'canceled_by_operator' } as const;
    await CancellationScope.nonCancellable(() => steerReplay({ taskId, steering }));
    return end('canceled');
  }
  await condition(allHandlersFinished);
  return continueAsNew<typeof webhookReplay>(input);

  async function carryOutOrders(): Promise<void> {
    for (let order = orders.shift(); order !== undefined; order = orders.shift()) {
      await steerReplay.executeWithOptions({ summary: order.action }, [{ taskId, steering: order }]);
    }
  }

  /** Waits until the page is all due, or until somebody wants something. */
  async function nextPage({ state, waitMs }: ReplayProgress): Promise<void> {
    const wanted = () => woken || orders.length > 0;
    if (state === 'paused') await condition(wanted, PAUSED_LOOK, { summary: 'paused' });
    else if (waitMs > 0) await condition(wanted, waitMs, { summary: 'until this page is due' });
  }

  function end(state: TaskState): TaskState {
    upsertSearchAttributes([{ key: OUTCOME, value: state }]);
    return state;
  }
}

function inWords(title: string, { state, total, sent, skipped, ratePerSec, reason }: ReplayProgress): string {
  const done = sent + skipped;
  const percent =
    total === null || total === 0 ? '' : ` (${Math.min(100, Math.floor((done * 100) / total))} %)`;
  const left = skipped === 0 ? '' : `, ${skipped} left out`;
  const why = reason === null ? '' : `: ${reason}`;
  return `${title}: ${state}${why}. ${sent} of ${total ?? '?'} made due${percent}${left}, ${ratePerSec} a second`;
}
