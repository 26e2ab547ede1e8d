import {
  allHandlersFinished,
  ApplicationFailure,
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
import { ENDPOINT_ID, JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import type { SendAttemptResult, WebhookActivities } from '../../contracts/webhooks/dispatch.js';
import type { RetryInput } from '../../contracts/webhooks/jobs.js';

export const retryNow = defineSignal('retryNow');
export const cancel = defineSignal<[string?]>('cancel');
/** Until `release`, `retryNow` or `cancel` the delivery is not tried, however long its time has passed. */
export const hold = defineSignal('hold');
export const release = defineSignal('release');
export const status = defineQuery<RetryStatus>('status');

export interface RetryStatus {
  outcome: 'waiting' | 'held' | SendAttemptResult['outcome'];
  /** Attempts made. */
  n: number;
  nextAt: string | null;
  /** Attempts of this run, in an operator's words. */
  attempts: string[];
}

const OUR_FAULTS = { initialInterval: '1 second', maximumAttempts: 3 } as const;
const { sendAttempt, cancelDelivery, holdDelivery } = proxyActivities<WebhookActivities>({
  taskQueue: WEBHOOK_QUEUES.retry,
  startToCloseTimeout: '35 seconds',
  retry: OUR_FAULTS,
});

/** Waits for the later tries of one delivery and makes them. Fails when none is left, so that it shows red. */
export async function webhookRetry(input: RetryInput): Promise<SendAttemptResult['outcome']> {
  const { deliveryId, messageId, endpointId, appId } = input;
  const attempts: string[] = [];
  let { n, nextAt } = input;
  let outcome: RetryStatus['outcome'] = 'waiting';
  let hurried = false;
  let canceledBecause: string | null = null;
  let held = false;

  setHandler(status, () => ({
    outcome: held && outcome === 'waiting' ? 'held' : outcome,
    n,
    nextAt: outcome === 'waiting' && !held ? nextAt : null,
    attempts,
  }));
  setHandler(retryNow, () => {
    hurried = true;
  });
  setHandler(hold, () => {
    held = true;
  });
  setHandler(release, () => {
    held = false;
  });
  setHandler(cancel, (reason) => {
    canceledBecause = reason ?? 'canceled_by_operator';
  });

  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.retry' },
    { key: TENANT_ID, value: appId },
    { key: ENDPOINT_ID, value: endpointId },
    { key: OUTCOME, value: 'waiting' },
  ]);
  for (;;) {
    setCurrentDetails(inWords(attempts, n, nextAt));
    const waitMs = Math.max(Date.parse(nextAt) - Date.now(), 1);
    canceledBecause ??= await untilDue(waitMs, `attempt ${n + 1} at ${nextAt}`);
    hurried = false;
    if (canceledBecause !== null) {
      const reason = canceledBecause;
      await CancellationScope.nonCancellable(() => cancelDelivery({ deliveryId, reason }));
      return end('canceled', `canceled: ${canceledBecause}`);
    }
    const result = await sendAttempt.executeWithOptions({ summary: `attempt ${n + 1}` }, [
      { deliveryId, messageId, endpointId, appId, trigger: 'scheduled' },
    ]);
    attempts.push(attemptInWords(result));
    n = result.n;
    if (result.outcome !== 'retrying' || result.nextBy !== 'workflow' || result.nextAt === null) {
      if (result.outcome === 'exhausted') {
        end('exhausted', inWords(attempts, n, null));
        throw ApplicationFailure.nonRetryable(
          `not taken after ${n} attempts, the last ended with ${result.why}`,
          'DeliveryExhausted',
        );
      }
      return end(result.outcome, inWords(attempts, n, null));
    }
    nextAt = result.nextAt;
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof webhookRetry>({ ...input, n, nextAt });
    }
  }

  /** Waits for the due time or a signal. @returns why to stop, when the workflow itself is canceled meanwhile */
  async function untilDue(waitMs: number, summary: string): Promise<string | null> {
    try {
      await condition(() => hurried || held || canceledBecause !== null, waitMs, { summary });
      if (held && !hurried && canceledBecause === null) await whileHeld();
      return canceledBecause;
    } catch (error) {
      if (isCancellation(error)) return 'canceled_by_operator';
      throw error;
    }
  }

  /** The row says that it is held, so that nobody takes it for forgotten; then it is due when it was before. */
  async function whileHeld(): Promise<void> {
    upsertSearchAttributes([{ key: OUTCOME, value: 'held' }]);
    setCurrentDetails(`${inWords(attempts, n, nextAt)}\n\nheld until it is released`);
    await holdDelivery({ deliveryId, nextAt: null });
    await condition(() => !held || hurried || canceledBecause !== null);
    held = false;
    await holdDelivery({ deliveryId, nextAt });
    upsertSearchAttributes([{ key: OUTCOME, value: 'waiting' }]);
    if (hurried || canceledBecause !== null) return;
    setCurrentDetails(inWords(attempts, n, nextAt));
    const restMs = Math.max(Date.parse(nextAt) - Date.now(), 1);
    await condition(() => hurried || held || canceledBecause !== null, restMs, {
      summary: `due at ${nextAt}`,
    });
    if (held && !hurried && canceledBecause === null) await whileHeld();
  }

  function end(how: SendAttemptResult['outcome'], details: string): SendAttemptResult['outcome'] {
    outcome = how;
    upsertSearchAttributes([{ key: OUTCOME, value: how }]);
    setCurrentDetails(details);
    return how;
  }
}

const attemptInWords = ({ n, code, why, outcome }: SendAttemptResult) =>
  `attempt ${n}: ${outcome}${why === null ? '' : `, ${why}`}${code > 0 ? ` (HTTP ${code})` : ''}`;

const inWords = (attempts: readonly string[], n: number, nextAt: string | null) =>
  [...attempts, nextAt === null ? `${n} attempts made` : `attempt ${n + 1} is due at ${nextAt}`].join('\n\n');
