import type { mongo } from 'mongoose';
import type { BoundedScan } from './bounded-page.js';

/** How many rows there are; at least so many when `approximated`. */
export interface BoundedCount {
  count: number;
  approximated: boolean;
}

/** Entries of an index that are counted for one branch: some milliseconds. */
const MAX_ENTRIES = 50_000;
/** Rows that are looked at, over all branches, when the index alone does not tell. */
const MAX_ROWS = 1_000;

/** Counts the rows of a filtered list in bounded time. */
export async function boundedCount(
  collection: mongo.Collection,
  { branches, rest }: BoundedScan,
): Promise<BoundedCount> {
  const entries = await entriesOf(collection, branches, MAX_ENTRIES + 1);
  const total = sumOf(entries);
  if (rest === null) {
    const approximated = entries.some((count) => count > MAX_ENTRIES);
    return { count: sumOf(entries.map((count) => Math.min(count, MAX_ENTRIES))), approximated };
  }
  const share = total > MAX_ROWS ? Math.ceil(MAX_ROWS / branches.length) : MAX_ROWS;
  const counts = await Promise.all(
    branches.map(async (branch) => {
      const newest = [{ $match: branch }, { $sort: { _id: -1 } }, { $limit: share }];
      const counted = [{ $match: rest }, { $count: 'count' }];
      const [found] = await collection.aggregate<{ count: number }>([...newest, ...counted]).toArray();
      return found?.count ?? 0;
    }),
  );
  return { count: sumOf(counts), approximated: entries.some((count) => count > share) };
}

/** Enough to tell few rows from many. */
const MAX_COMPARED = 2_000;

/** Of several ways to read the same list, the one that reads by what fewest rows meet; the first of equals. */
export async function narrowest(
  collection: mongo.Collection,
  scans: readonly [BoundedScan, ...BoundedScan[]],
): Promise<BoundedScan> {
  if (scans.length === 1) return scans[0];
  const sizes = await Promise.all(
    scans.map(async ({ branches }) => sumOf(await entriesOf(collection, branches, MAX_COMPARED))),
  );
  return scans[sizes.indexOf(Math.min(...sizes))]!;
}

/** How many rows each branch has, counted up to a limit. No document is read for it. */
const entriesOf = (collection: mongo.Collection, branches: BoundedScan['branches'], limit: number) =>
  Promise.all(branches.map((branch) => collection.countDocuments(branch, { limit })));

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
