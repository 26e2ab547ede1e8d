import { Context } from '@temporalio/activity';
import type { DrainResult } from '../../contracts/webhooks/dispatch.js';
import type { RecoveryServices } from './probe-endpoint.activity.js';

const MAX_COUNTED = 10_000;

/** Sends what waits in the lane of an endpoint for one round, or until nothing is due or the endpoint is down again. */
export function drainLaneActivity({
  lanes,
  endpoints,
  backlog,
  circuits,
}: Pick<RecoveryServices, 'lanes' | 'endpoints' | 'backlog' | 'circuits'>) {
  return async function drainLane(input: {
    endpointId: string;
    ratePerSec: number | null;
    forMs: number;
  }): Promise<DrainResult> {
    const { endpointId, ratePerSec, forMs } = input;
    const context = Context.current();
    context.heartbeat({ endpointId });
    const counts = await lanes.run(
      endpointId,
      context.cancellationSignal,
      forMs,
      (soFar) => context.heartbeat({ endpointId, ...soFar }),
      { drain: { ratePerSec } },
    );
    const waiting = await backlog.dueInLane(endpointId, endpointId, new Date(), MAX_COUNTED);
    if (counts.end !== 'failing') return { ...counts, waiting, nextProbeAt: null };
    const endpoint = await endpoints.find(endpointId);
    const nextProbeAt = endpoint === null ? new Date() : await circuits.reopen(endpoint);
    return { ...counts, waiting, nextProbeAt: nextProbeAt.toISOString() };
  };
}
