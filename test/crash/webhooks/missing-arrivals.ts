import { setTimeout as delay } from 'node:timers/promises';
import type { ArrivalLog } from './arrival-log.js';

/** Everything that came, as `<message> <path>`. */
export const arrivedAt = (log: ArrivalLog): Set<string> =>
  new Set([...log.byPath].flatMap(([path, arrivals]) => arrivals.map(({ id }) => `${id} ${path}`)));

/** What of `expected` is missing when everything came, or nothing new for `quietMs`. */
export async function missingAfter(
  log: ArrivalLog,
  expected: readonly string[],
  quietMs: number,
): Promise<string[]> {
  let least = Infinity;
  let sinceMs = Date.now();
  for (;;) {
    const came = arrivedAt(log);
    const missing = expected.filter((line) => !came.has(line));
    if (missing.length === 0) return [];
    if (missing.length < least) sinceMs = Date.now();
    least = Math.min(least, missing.length);
    if (Date.now() - sinceMs > quietMs) return missing;
    await delay(500);
  }
}
