import { RETRY_GRACE_MS, RETRY_LANE } from '../../contracts/webhooks/delivery.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';

/** A retry that is due later than this belongs to a workflow; sooner ones stay in their lane. */
export const LANE_WAIT_MS = 60_000;

/** Hands late retries to workflows. */
export interface RetryHandover {
  /** Whether a workflow may be started for one more delivery now; if not, the lane keeps it. */
  reserve(): boolean;
  /** Starts the workflow of a delivery whose row says that it waits for one. False when it could not be started. */
  start(row: DeliveryRow, title: string, n: number, nextAt: Date): Promise<boolean>;
}

/** Where a delivery waits for its next try. */
export function waitingPlace(lane: string, nextAt: Date, nowMs: number, handover: RetryHandover) {
  if (nextAt.getTime() - nowMs <= LANE_WAIT_MS || !handover.reserve()) return { l: lane, at: nextAt };
  return { l: RETRY_LANE, at: new Date(nextAt.getTime() + RETRY_GRACE_MS) };
}
