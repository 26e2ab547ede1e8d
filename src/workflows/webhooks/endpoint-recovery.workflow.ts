import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { ENDPOINT_ID, JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import type { DrainResult, WebhookActivities } from '../../contracts/webhooks/dispatch.js';
import type { RecoveryInput } from '../../contracts/webhooks/jobs.js';

export const probeNow = defineSignal('probeNow');
export const endpointChanged = defineSignal('endpointChanged');
export const disable = defineSignal('disable');
export const setRate = defineUpdate<void, [number | null]>('setRate');
export const status = defineQuery<RecoveryStatus>('status');

export interface RecoveryStatus extends RecoveryInput {
  phase: 'waiting' | 'probing' | 'draining' | 'ended';
  /** Deliveries that wait, counted up to 10,000. */
  waiting: number;
}

const PROBES_A_RUN = 100;
const DRAIN_MS = 300_000;
const MAX_RATE = 65_535;

const { probeEndpoint, closeCircuit, disableEndpoint } = proxyActivities<WebhookActivities>({
  taskQueue: WEBHOOK_QUEUES.retry,
  startToCloseTimeout: '60 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '15 seconds' },
});
const { drainLane } = proxyActivities<WebhookActivities>({
  taskQueue: WEBHOOK_QUEUES.retry,
  startToCloseTimeout: '6 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '15 seconds' },
});

/**
 * Looks after one endpoint that is down, for everything that waits for it: probes it, drains its lane when it is back,
 * and gives it back to its shared lane.
 */
export async function endpointRecovery(input: RecoveryInput): Promise<'recovered' | 'ended'> {
  const { endpointId, appId, since } = input;
  let { trips, probeNo, nextProbeAt, ratePerSec } = input;
  let phase: RecoveryStatus['phase'] = 'waiting';
  let waiting = 0;
  let hurried = false;
  let disabled = false;

  setHandler(status, () => ({ ...input, trips, probeNo, nextProbeAt, ratePerSec, phase, waiting }));
  setHandler(probeNow, () => {
    hurried = true;
  });
  setHandler(endpointChanged, () => {
    hurried = true;
  });
  setHandler(disable, () => {
    disabled = true;
  });
  setHandler(
    setRate,
    (rate) => {
      ratePerSec = rate;
    },
    {
      validator: (rate) => {
        const fits = rate === null || (Number.isInteger(rate) && rate >= 1 && rate <= MAX_RATE);
        if (!fits)
          throw new Error(`expected null or 1 to ${MAX_RATE} deliveries a second, got ${String(rate)}`);
      },
    },
  );

  upsertSearchAttributes([
    { key: JOB_KIND, value: 'webhook.endpoint' },
    { key: TENANT_ID, value: appId },
    { key: ENDPOINT_ID, value: endpointId },
    { key: OUTCOME, value: 'waiting' },
  ]);
  for (let probes = 0; probes < PROBES_A_RUN && !workflowInfo().continueAsNewSuggested; probes++) {
    phase = 'waiting';
    tell(`down since ${since}, ${inWords(waiting)} waiting, next probe at ${nextProbeAt}`);
    const waitMs = Math.max(Date.parse(nextProbeAt) - Date.now(), 1);
    await condition(() => hurried || disabled, waitMs, { summary: `probe ${probeNo + 1} at ${nextProbeAt}` });
    hurried = false;
    if (disabled) {
      await disableEndpoint({ endpointId });
      return end('ended', 'disabled by an operator');
    }
    phase = 'probing';
    const probe = await probeEndpoint.executeWithOptions({ summary: `probe ${probeNo + 1}` }, [
      { endpointId, probeNo },
    ]);
    waiting = probe.waiting;
    if (probe.outcome === 'ended') return end('ended', 'the endpoint is disabled or deleted');
    if (probe.outcome === 'failed') {
      probeNo += 1;
      nextProbeAt = probe.nextProbeAt ?? nextProbeAt;
      continue;
    }
    const drained = await drain();
    if (drained.end !== 'failing')
      return end('recovered', `back, down since ${since}; nothing waits any more`);
    trips += 1;
    probeNo = 0;
    nextProbeAt = drained.nextProbeAt ?? nextProbeAt;
  }
  await condition(allHandlersFinished);
  return continueAsNew<typeof endpointRecovery>({ ...input, trips, probeNo, nextProbeAt, ratePerSec });

  /** Sends what waits, then gives the lane up, and sends on what comes into it until everybody knows. */
  async function drain(): Promise<DrainResult> {
    phase = 'draining';
    let closed = false;
    for (;;) {
      tell(`back after being down since ${since}, ${inWords(waiting)} waiting are sent`);
      const summary = closed ? 'send on what comes late' : `drain at ${ratePerSec ?? 'any'} a second`;
      const result = await drainLane.executeWithOptions({ summary }, [
        { endpointId, ratePerSec, forMs: DRAIN_MS },
      ]);
      waiting = result.waiting;
      if (result.end === 'failing' || result.end === 'retired') return result;
      if (result.end !== 'drained') continue;
      if (closed) return result;
      closed = true;
      if ((await closeCircuit({ endpointId })).keepsLane) return result;
    }
  }

  function end(how: 'recovered' | 'ended', details: string): 'recovered' | 'ended' {
    phase = 'ended';
    upsertSearchAttributes([{ key: OUTCOME, value: how === 'recovered' ? 'delivered' : 'canceled' }]);
    tell(details);
    return how;
  }

  function tell(details: string): void {
    setCurrentDetails(`${endpointId}: ${details}`);
  }
}

const inWords = (waiting: number) => (waiting >= 10_000 ? 'more than 10,000' : String(waiting));
