import { Context } from '@temporalio/activity';
import type { DeliverBatchInput, LaneCounts } from '../../contracts/webhooks/dispatch.js';
import type { LaneService } from './lane/lane-service.js';

/** Serves a lane for one round. Cancellation (pause, lost heartbeat, shutdown) leaves the lane in order. */
export function deliverBatchActivity(lanes: LaneService) {
  return async function deliverBatch({ lane, forMs }: DeliverBatchInput): Promise<LaneCounts> {
    const context = Context.current();
    context.heartbeat({ lane });
    return lanes.run(lane, context.cancellationSignal, forMs, (counts) =>
      context.heartbeat({ lane, ...counts }),
    );
  };
}
