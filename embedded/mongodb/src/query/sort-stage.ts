import { CommandError } from '../errors.js';
import type { Found, Reading } from './execute.js';
import type { Sort, SortKey } from './sort.js';

/** Memory of one blocking sort, as in MongoDB. */
const MAX_SORT_BYTES = 100 * 1024 * 1024;

interface Keyed {
  key: SortKey;
  found: Found;
}

/**
 * A sort that no index serves. With a window (skip plus limit) it never holds more than twice that many documents.
 * `allowDiskUse: false` caps its memory, as in MongoDB; otherwise the documents stay in memory.
 */
export function* sorted(
  input: Reading<Found>,
  sort: Sort,
  window: number,
  allowDiskUse: boolean,
): Reading<Found> {
  let held: Keyed[] = [];
  let bytes = 0;
  const order = (a: Keyed, b: Keyed): number => sort.compareKeys(a.key, b.key);
  for (const found of input) {
    if (!found) {
      yield undefined;
      continue;
    }
    held.push({ key: sort.key(found.doc), found });
    bytes += found.doc.toBytes().length;
    if (window > 0 && held.length >= 2 * window + 64) {
      held = held.sort(order).slice(0, window);
      bytes = held.reduce((sum, { found: kept }) => sum + kept.doc.toBytes().length, 0);
    }
    if (bytes > MAX_SORT_BYTES && !allowDiskUse) {
      throw new CommandError(
        'QueryExceededMemoryLimitNoDiskUseAllowed',
        `Sort exceeded memory limit of ${MAX_SORT_BYTES} bytes, but did not opt in to external sorting.`,
      );
    }
  }
  held.sort(order);
  for (const { found } of window > 0 ? held.slice(0, window) : held) yield found;
}
