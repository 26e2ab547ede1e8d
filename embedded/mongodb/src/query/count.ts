import type { Collection } from '../catalog/collection.js';
import { walk } from './entry-walk.js';
import type { FindQuery, PreparedFind, Reading } from './find.js';

/** Yields numbers that add up to how many documents a read finds: from its index where the keys alone can tell. */
export function* countFound(
  collection: Collection | undefined,
  { filter, skip = 0, limit = 0 }: FindQuery,
  prepared: PreparedFind,
  epoch: () => number,
): Reading<number> {
  const { scans, keysSuffice } = prepared.plan;
  const most = limit > 0 ? skip + limit : Infinity;
  if (!scans && filter.size === 0) yield Math.max(0, Math.min(collection?.count ?? 0, most) - skip);
  else if (!scans || !keysSuffice) for (const one of prepared.run(epoch)) yield one && 1;
  else {
    let count = 0;
    for (const { index, ranges } of scans)
      for (const range of ranges) count += (yield* walk(index.table, range, most - count)).count;
    yield Math.max(0, count - skip);
  }
}
