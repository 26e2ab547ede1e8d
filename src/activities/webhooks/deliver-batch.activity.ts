import { Context } from '@temporalio/activity';
import type { DeliverBatchInput, LaneCounts } from '../../contracts/webhooks/dispatch.js';
import type { LaneService } from './lane/lane-service.js';

/** Serves a lane for one round. Cancellation (pause, lost heartbeat, shutdown) leaves the lane in order. */
export function deliverBatchActivity(lanes: LaneService) {
  return async function deliverBatch({ lane, forMs, concurrency }: DeliverBatchInput): Promise<LaneCounts> {
    const context = Context.current();
    context.heartbeat({ lane });
    const tell = (counts: LaneCounts) => context.heartbeat({ lane, ...counts });
    const round = concurrency === undefined ? {} : { concurrency };
    return lanes.run(lane, context.cancellationSignal, forMs, tell, round);
  };
}
