import type { RetrySchedule } from '../../contracts/webhooks/endpoint-policy.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Waits after the first, second, ... failed try: eight tries in about 28 hours. */
export const DEFAULT_SCHEDULE_SEC: readonly number[] = [
  5,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  10 * HOUR,
];

/** Share of the wait that chance may add. */
const JITTER = 0.2;

/**
 * The wait before the next try, or null when the schedule is used up. Jitter only makes it later, never earlier.
 *
 * @param tries tries made so far, 1 or more
 * @param random from [0, 1)
 * @param retryAfterMs what the receiver asked for: the wait is not shorter
 */
export function nextWaitMs(
  tries: number,
  random: number,
  retryAfterMs = 0,
  scheduleSec: readonly number[] = DEFAULT_SCHEDULE_SEC,
): number | null {
  const waitSec = scheduleSec[tries - 1];
  if (waitSec === undefined) return null;
  return Math.max(Math.round(waitSec * 1000 * (1 + JITTER * random)), retryAfterMs);
}

/** The waits in seconds that a schedule stands for. */
export function waitsSec(schedule: RetrySchedule): readonly number[] {
  if (Array.isArray(schedule)) return schedule;
  const { base, factor, max, tries } = schedule;
  return Array.from({ length: tries - 1 }, (_, wait) => Math.min(base * factor ** wait, max));
}

/** The first schedule that is set: of the endpoint, the event type, the application, the environment; else the default. */
export function scheduleInForce(levels: readonly (RetrySchedule | null | undefined)[]): readonly number[] {
  const set = levels.find((level) => level !== null && level !== undefined);
  return set === undefined || set === null ? DEFAULT_SCHEDULE_SEC : waitsSec(set);
}
