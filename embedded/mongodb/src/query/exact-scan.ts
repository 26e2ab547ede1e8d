import type { Conditions } from './conditions.js';
import { isEverything } from './interval.js';
import type { Scan } from './planner.js';

/**
 * Whether the keys in a scan's ranges are exactly the documents that a filter matches, each once: then they can be
 * counted and passed over without reading documents. KeyStrings lose nothing for this: two values have the same key
 * exactly when they compare equal, and no range leaves its type.
 */
export function isExact({ index, bounds, equalities, range }: Scan, { all, exact }: Conditions): boolean {
  if (!exact || !all.every(({ path }) => index.paths.includes(path))) return false;
  // Fields behind the first range are not in the ranges of keys, and a descending range may be a little too wide.
  if (!bounds.slice(equalities + Number(range)).every(isEverything)) return false;
  if (range && index.directions[equalities] === -1) return false;
  // A document has several keys where it has an array, but never one twice: it is met once below one value.
  const arrays = index.paths.filter((path) => index.hasArrayAt(path));
  const ofArrays = all.filter(({ path }) => arrays.includes(path));
  return arrays.length === 0 || (arrays.length === 1 && ofArrays.length === 1 && isOneValue(ofArrays[0]!));
}

const isOneValue = ({ intervals: [one, ...more], exists }: Conditions['all'][number]): boolean =>
  exists && more.length === 0 && one?.point === true;
