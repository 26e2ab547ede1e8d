import type { BatchLimits } from '../../batch/company.js';

/** Bounds of what one lane has in hand. */
export interface DispatchLimits {
  /** Tries at a time in the whole lane. */
  lane: number;
  /** Tries at a time at one endpoint that does not say otherwise. */
  endpoint: number;
  /** Tries at a time at one endpoint, whatever it says. */
  most: number;
  /** Tries a second at one endpoint, whatever it says; null = no bound. */
  mostPerSec?: number | null;
  /** Rows kept in memory for one endpoint, so that a backlog of one does not fill the lane. */
  queued: number;
}

/** What one endpoint wants of its deliveries. */
export interface EndpointLimits {
  concurrency: number | null;
  ratePerSec: number | null;
  /** Set when the delivery may go with others in one request. */
  batch?: BatchLimits | null;
  /** When it began to wait for company; now when left out. */
  sinceMs?: number | undefined;
}

/** What a queue tells and asks. */
export interface QueueEvents {
  /** An endpoint of which `full` or `withRoom` said that it takes no more has room again. */
  room?: () => void;
  /** Something may be taken that could not before, although nothing ended. */
  runnable?: () => void;
  /** Tries at a time at one endpoint, now. */
  most?: () => number;
}
