import { ksuidFloor } from '../ksuid.js';
import type { DeliveryState } from '../../contracts/webhooks/delivery.js';
import type { ReplayFilter, ReplayKind } from '../../contracts/webhooks/replay.js';

/** Deliveries in one state, all of them or those that ended for one of some reasons. */
export interface StateSelection {
  state: DeliveryState;
  reasons: readonly string[] | null;
}

/** Gave up, or were given up because their endpoint was disabled: what enabling it again should bring back. */
const FAILED: readonly StateSelection[] = [
  { state: 'exhausted', reasons: null },
  { state: 'canceled', reasons: ['endpoint_disabled', 'gone'] },
];
const DELIVERED: StateSelection = { state: 'delivered', reasons: null };
const RETRYING: StateSelection = { state: 'retrying', reasons: null };

// Message status numbers of the compatible API. What waits for its next try is tried now.
const BY_STATUS: Record<number, readonly StateSelection[]> = {
  0: [DELIVERED],
  1: [RETRYING],
  2: FAILED,
  3: [RETRYING],
  4: [{ state: 'canceled', reasons: null }],
};

/** The deliveries that a task over existing deliveries takes, in the order it takes them. */
export function replayedStates(
  kind: Exclude<ReplayKind, 'endpoint.replay'>,
  filter: Pick<ReplayFilter, 'status'>,
): readonly StateSelection[] {
  if (kind === 'endpoint.recover') return FAILED;
  return filter.status === null ? [DELIVERED, ...FAILED] : (BY_STATUS[filter.status] ?? []);
}

/** How far below a time an id made from it may sort: two ticks of 1/65536 s, because times are rounded twice. */
const ID_SLACK_MS = 0.04;

/** The ids of a window: `from` inclusive, `to` exclusive. Ids carry the time of the accept. */
export function idWindow(prefix: 'msg' | 'dlv', { since, until }: Pick<ReplayFilter, 'since' | 'until'>) {
  return {
    from: `${prefix}_${ksuidFloor(since.getTime() - ID_SLACK_MS)}`,
    to: `${prefix}_${ksuidFloor(until.getTime() - ID_SLACK_MS)}`,
  };
}

/** Longest time a page reaches ahead: what a pause or a cancel comes too late for. */
const PAGE_SECONDS = 5;
const PAGE_ROWS = 500;

/** Messages a page holds at a rate. */
export const pageRows = (ratePerSec: number): number =>
  Math.min(PAGE_ROWS, Math.max(1, Math.ceil(ratePerSec * PAGE_SECONDS)));

/** When the nth message of a page is due. */
export const dueAt = (startMs: number, n: number, ratePerSec: number): Date =>
  new Date(startMs + Math.floor((n * 1000) / ratePerSec));
