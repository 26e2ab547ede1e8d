import type { FifoProgress } from './reading/fifo-reader.js';
import type { RowsInHand } from './reading/rows-in-hand.js';

/** How a lane is served this time. */
export interface LaneRound {
  /** Tries at a time in the lane; the default when left out. */
  concurrency?: number;
  /** Set for the lane of an endpoint that is down: what waits is sent with care, at most at this rate. */
  drain?: { ratePerSec: number | null };
}

/** What a process remembers of a lane between the rounds. */
export interface LaneMemory {
  rows: RowsInHand;
  fifo: FifoProgress;
}
