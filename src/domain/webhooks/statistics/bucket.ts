const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Every attempt is counted once at each level; a reading never takes two levels for the same time. */
export type Level = 'm' | 'h' | 'd';
export const LEVEL_MS: Record<Level, number> = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** Minutes are kept this long; older times are known by the hour. */
export const MINUTES_KEPT_MS = 2 * DAY_MS;
export const HOURS_KEPT_MS = 35 * DAY_MS;
export const DAYS_KEPT_MS = 400 * DAY_MS;
/** Hours and days are written later than minutes; until they are settled minutes are read. */
const SETTLED_AFTER_MS = 3 * MINUTE_MS;

/** A bucket's document is found by its id alone, in the order of time: `<endpoint or application>:<level>:<number>`. */
export const bucketId = (subject: string, level: Level, atMs: number): string =>
  bucketIdOf(subject, level, Math.floor(atMs / LEVEL_MS[level]));

const bucketIdOf = (subject: string, level: Level, number: number): string =>
  `${subject}:${level}:${String(number).padStart(8, '0')}`;

/** When a bucket begins, milliseconds. */
export const bucketStartMs = (id: string, level: Level): number =>
  Number(id.slice(id.lastIndexOf(':') + 1)) * LEVEL_MS[level];

/** Buckets of one level whose times follow each other; `toMs` is exclusive. */
export interface BucketRange {
  level: Level;
  fromMs: number;
  toMs: number;
}

/**
 * The fewest buckets that make up a window: whole days, the whole hours beside them, the minutes at the ends. They never
 * overlap. The window is widened to whole minutes, and to whole hours where minutes are no longer kept.
 *
 * @param coarsest the level that is not to be exceeded where finer buckets are kept
 */
export function bucketRanges(
  sinceMs: number,
  untilMs: number,
  nowMs: number,
  coarsest: Level = 'd',
): BucketRange[] {
  const minutesFrom = ceil(nowMs - MINUTES_KEPT_MS, HOUR_MS);
  const fine = (ms: number) => (ms >= minutesFrom ? MINUTE_MS : HOUR_MS);
  const from = floor(sinceMs, fine(sinceMs));
  const to = ceil(untilMs, fine(untilMs));
  const settled = nowMs - SETTLED_AFTER_MS;
  const hoursTo = coarsest === 'm' ? minutesFrom : floor(settled, HOUR_MS);
  const hours = inside(from, Math.min(to, hoursTo), HOUR_MS);
  const days = inside(hours.from, coarsest === 'd' ? hours.to : hours.from, DAY_MS);
  return [
    range('m', from, hours.from),
    range('h', hours.from, days.from),
    range('d', days.from, days.to),
    range('h', days.to, hours.to),
    range('m', hours.to, to),
  ].filter(({ fromMs, toMs }) => fromMs < toMs);
}

const range = (level: Level, fromMs: number, toMs: number): BucketRange => ({ level, fromMs, toMs });
const floor = (ms: number, step: number) => Math.floor(ms / step) * step;
const ceil = (ms: number, step: number) => Math.ceil(ms / step) * step;

/** The whole steps within a window; empty at its start when there is none. */
function inside(fromMs: number, toMs: number, step: number): { from: number; to: number } {
  const from = ceil(fromMs, step);
  const to = floor(toMs, step);
  return from < to ? { from, to } : { from: fromMs, to: fromMs };
}
