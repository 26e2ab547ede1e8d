import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { OUTCOME } from '../../contracts/search-attributes.js';
import type { TaskState } from '../../contracts/webhooks/replay.js';
import type { TaskSteering } from '../../contracts/webhooks/task.js';

export const pause = defineSignal('pause');
export const resume = defineSignal('resume');
export const cancel = defineSignal<[string?]>('cancel');
/** The task's row was changed from outside: look at it now. */
export const wake = defineSignal('wake');
export const progress = defineQuery<PageProgress | null>('progress');

/** Pages are counted by run, so that no history grows without end. */
const PAGES_A_RUN = 50;
/** A paused task looks at its row this often, should the signal to go on be lost. */
const PAUSED_LOOK = '1 hour';

export interface PageProgress {
  state: TaskState;
  /** How long the next page is to wait, in ms; none when it need not. */
  waitMs?: number;
  /** Why the task ended before its end. */
  reason: string | null;
}

export interface PagedTask<Progress extends PageProgress, Order extends { action: string }> {
  /** What an operator sees it called. */
  title: string;
  /** What was asked of it and is not yet in its row; a workflow with handlers of its own adds to it. */
  orders: (Order | TaskSteering)[];
  /** Counts what there is to do. */
  count(): Promise<void>;
  /** Does the next page. @param number within this run, from 1 */
  page(number: number): Promise<Progress>;
  /** Writes an order into the task's row. */
  steer(order: Order | TaskSteering): Promise<void>;
  /** How far it is, for an operator. */
  inWords(progress: Progress): string;
}

/**
 * Carries a task out page by page, with what an operator may ask of it meanwhile, and goes on as a new run of the same
 * workflow after `PAGES_A_RUN`. Where the task stands is in its row, not here. Called once, by the workflow's main
 * function. @param input that of the workflow
 */
export async function pagedTask<Progress extends PageProgress, Order extends { action: string }>(
  input: unknown,
  task: PagedTask<Progress, Order>,
): Promise<TaskState> {
  const { orders } = task;
  let latest: Progress | null = null;
  let woken = false;

  setHandler(progress, () => latest);
  setHandler(wake, () => {
    woken = true;
  });
  setHandler(pause, () => void orders.push({ action: 'pause' }));
  setHandler(resume, () => void orders.push({ action: 'resume' }));
  setHandler(cancel, (reason = 'canceled_by_operator') => void orders.push({ action: 'cancel', reason }));

  try {
    await task.count();
    for (let pages = 0; ; pages++) {
      for (let order = orders.shift(); order !== undefined; order = orders.shift()) await task.steer(order);
      if (pages >= PAGES_A_RUN || workflowInfo().continueAsNewSuggested) break;
      woken = false;
      latest = await task.page(pages + 1);
      const why = latest.reason === null ? '' : `: ${latest.reason}`;
      setCurrentDetails(`${task.title}: ${latest.state}${why}. ${task.inWords(latest)}`);
      if (latest.state !== 'running' && latest.state !== 'paused') return end(latest.state);
      await nextPage(latest);
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    const order = { action: 'cancel', reason: 'canceled_by_operator' } as const;
    await CancellationScope.nonCancellable(() => task.steer(order));
    return end('canceled');
  }
  await condition(allHandlersFinished);
  return continueAsNew(input);

  /** Waits until the next page may be done, or until somebody wants something. */
  async function nextPage({ state, waitMs = 0 }: Progress): Promise<void> {
    const wanted = () => woken || orders.length > 0;
    if (state === 'paused') await condition(wanted, PAUSED_LOOK, { summary: 'paused' });
    else if (waitMs > 0) await condition(wanted, waitMs, { summary: 'until this page is due' });
  }
}

function end(state: TaskState): TaskState {
  upsertSearchAttributes([{ key: OUTCOME, value: state }]);
  return state;
}

/** ` (40 %)`, or nothing when there is no total to speak of. */
export function percentOf(total: number | null, done: number): string {
  return total === null || total === 0 ? '' : ` (${Math.min(100, Math.floor((done * 100) / total))} %)`;
}
