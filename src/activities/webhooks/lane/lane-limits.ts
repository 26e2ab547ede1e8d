import { isOwnLane } from '../../../domain/webhooks/lane.js';
import type { DispatchLimits } from './dispatch/dispatch-limits.js';
import type { LaneRound } from './lane-round.js';

const LANE_TRIES = 128;
const ENDPOINT_TRIES = 20;
const MOST_ENDPOINT_TRIES = 200;
const QUEUED = 1000;

/** Bounds of a lane. In a shared lane one endpoint never has more than a quarter of the tries. */
export function laneLimits(lane: string, { concurrency, drain }: LaneRound): DispatchLimits {
  if (isOwnLane(lane)) {
    return {
      lane: concurrency ?? MOST_ENDPOINT_TRIES,
      endpoint: ENDPOINT_TRIES,
      most: MOST_ENDPOINT_TRIES,
      queued: QUEUED,
      mostPerSec: drain?.ratePerSec ?? null,
    };
  }
  const tries = concurrency ?? LANE_TRIES;
  const quarter = Math.max(1, Math.floor(tries / 4));
  return {
    ...{ lane: tries, endpoint: Math.min(ENDPOINT_TRIES, quarter), most: quarter, queued: QUEUED },
    mostPerSec: null,
  };
}
