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
import { JOB_KIND } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import type { LaneCounts, WebhookActivities } from '../../contracts/webhooks/dispatch.js';
import type { DispatcherInput, WakeReason } from '../../contracts/webhooks/jobs.js';

export const wake = defineSignal<[WakeReason?]>('wake');
export const pause = defineUpdate('pause');
export const resume = defineUpdate('resume');
export const setLimits = defineUpdate<void, [{ concurrency: number | null }]>('setLimits');
export const status = defineQuery<DispatcherStatus>('status');

export interface DispatcherStatus extends Required<Omit<DispatcherInput, 'concurrency'>> {
  latest: LaneCounts | null;
  /** Tries at a time in the lane; null = the default. */
  concurrency: number | null;
}

const ROUNDS_A_RUN = 500;
/** Rounds start short, so that an operator soon sees the first counts, and grow to five minutes. */
const ROUND_MS = { first: 15_000, longest: 300_000 };

const { deliverBatch } = proxyActivities<WebhookActivities>({
  taskQueue: WEBHOOK_QUEUES.dispatch,
  startToCloseTimeout: '6 minutes',
  heartbeatTimeout: '10 seconds',
  cancellationType: 'TRY_CANCEL',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '15 seconds' },
});

const MAX_CONCURRENCY = 1000;

/**
 * Keeps one lane served: one round of `deliverBatch` after the other. That of a shared lane never ends; that of an
 * endpoint's own lane ends when the lane is given up.
 */
export async function webhookDispatcher(input: DispatcherInput): Promise<void> {
  const { lane } = input;
  const since = input.since ?? new Date().toISOString();
  let totals = input.totals ?? { sent: 0, ok: 0, failed: 0, retried: 0 };
  let paused = input.paused ?? false;
  let concurrency = input.concurrency ?? null;
  let latest: LaneCounts | null = null;
  let round: CancellationScope | null = null;
  let lastDeadOwner: string | null = null;

  setHandler(status, () => ({ lane, since, totals, paused, concurrency, latest }));
  setHandler(wake, (reason) => {
    if (reason?.deadOwner === undefined || reason.deadOwner === lastDeadOwner) return;
    lastDeadOwner = reason.deadOwner;
    round?.cancel();
  });
  setHandler(pause, () => {
    paused = true;
    round?.cancel();
    setCurrentDetails(`${lane}: paused, nothing is sent from this lane`);
  });
  setHandler(resume, () => {
    paused = false;
  });
  setHandler(
    setLimits,
    (limits) => {
      ({ concurrency } = limits);
      round?.cancel();
    },
    { validator: checkLimits },
  );

  upsertSearchAttributes([{ key: JOB_KIND, value: 'webhook.dispatch' }]);
  for (let n = 0; n < ROUNDS_A_RUN && !workflowInfo().continueAsNewSuggested; n++) {
    await condition(() => !paused);
    round = new CancellationScope();
    const forMs = Math.min(ROUND_MS.first * 2 ** n, ROUND_MS.longest);
    const limits = concurrency === null ? {} : { concurrency };
    latest = (await countsOf(round, { lane, forMs, ...limits })) ?? latest;
    round = null;
    if (latest === null) continue;
    totals = sum(totals, latest);
    if (!paused) setCurrentDetails(inWords(lane, totals, latest));
    if (latest.end !== 'retired') continue;
    await condition(allHandlersFinished);
    return;
  }
  await condition(allHandlersFinished);
  const limits = concurrency === null ? {} : { concurrency };
  await continueAsNew<typeof webhookDispatcher>({ lane, since, totals, paused, ...limits });
}

function checkLimits({ concurrency }: { concurrency: number | null }): void {
  if (concurrency === null) return;
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY) return;
  throw new Error(`concurrency: expected null or 1 to ${MAX_CONCURRENCY}, got ${String(concurrency)}`);
}

/** The counts of one round; null when it was cut short from outside. */
async function countsOf(
  scope: CancellationScope,
  input: { lane: string; forMs: number; concurrency?: number },
): Promise<LaneCounts | null> {
  try {
    return await scope.run(() =>
      deliverBatch.executeWithOptions({ summary: `serve ${input.lane} for ${input.forMs / 1000} s` }, [
        input,
      ]),
    );
  } catch (error) {
    if (isCancellation(error) && scope.consideredCancelled) return null;
    throw error;
  }
}

const sum = (totals: Required<DispatcherInput>['totals'], counts: LaneCounts) => ({
  sent: totals.sent + counts.sent,
  ok: totals.ok + counts.ok,
  failed: totals.failed + counts.failed,
  retried: totals.retried + counts.retried,
});

function inWords(lane: string, totals: Required<DispatcherInput>['totals'], latest: LaneCounts): string {
  const { sent, failed, retried } = totals;
  const due = latest.oldestDueSec.toFixed(1);
  return `${lane}: ${sent} sent, ${failed} failed, ${retried} retried, p95 ${latest.p95Ms} ms, oldest due ${due} s`;
}
