import type { mongo } from 'mongoose';
import type { Page, PageRequest } from '../contracts/webhooks/page.js';

type Filter = Record<string, unknown>;

/** How a filtered list is read. */
export interface BoundedScan {
  /**
   * What one index answers in the order of the ids, so that reading costs what it gives. Several are read side by side
   * and merged; no row may match two of them.
   */
  branches: Filter[];
  /** What else a row must meet; null when the branches say it all. */
  rest: Filter | null;
  /** Rows that are looked at for one page, over all branches. */
  scanRows?: number;
}

/** About 15 ms of processor time, a second look for the edge included. */
const SCAN_ROWS = 500;

/**
 * One page of a filtered list, in bounded time however rare the matches are: `scanRows` rows are looked at, at most.
 * When that is not enough to fill the page, the page is short (it may be empty), `done` is false and `iterator` stands
 * where the reading stopped. Clients that go on until `done` see every row once.
 */
export async function boundedPage<Row extends { _id: string }>(
  collection: mongo.Collection,
  scan: BoundedScan,
  request: PageRequest & { order: 'ascending' | 'descending' },
  projection?: Filter,
): Promise<Page<Row>> {
  const { limit, iterator } = request;
  const backwards = iterator?.startsWith('-') ?? false;
  const ascending = (request.order === 'ascending') !== backwards;
  const reading: Reading = {
    collection,
    rest: scan.rest,
    scanRows: Math.ceil((scan.scanRows ?? SCAN_ROWS) / scan.branches.length),
    from: iterator?.replace(/^-/, '') ?? null,
    ascending,
    limit,
    projection: projection ?? null,
  };
  const parts = await Promise.all(scan.branches.map((branch) => readBranch<Row>(reading, branch)));
  const inOrder = (a: string, b: string) => (a === b ? 0 : a < b === ascending ? -1 : 1);
  const [stop] = parts.flatMap(({ through }) => through ?? []).sort(inOrder);
  const known = parts
    .flatMap(({ rows }) => rows)
    .filter(({ _id }) => stop === undefined || inOrder(_id, stop) <= 0)
    .sort((a, b) => inOrder(a._id, b._id));
  const data = known.slice(0, limit);
  const more = known.length > limit;
  const reached = more ? data.at(-1)?._id : (stop ?? data.at(-1)?._id);
  return pageOf(data, { done: !more && stop === undefined, reached, backwards });
}

/** The page of rows that were read up to `reached` (undefined = nothing was), in the direction of reading. */
export function pageOf<Row extends { _id: string }>(
  data: Row[],
  { done, reached, backwards }: { done: boolean; reached: string | undefined; backwards: boolean },
): Page<Row> {
  if (backwards) data.reverse();
  const first = backwards ? (done ? data[0]?._id : reached) : data[0]?._id;
  const last = backwards ? data.at(-1)?._id : reached;
  return {
    data,
    iterator: last ?? null,
    prevIterator: first === undefined ? null : `-${first}`,
    done,
  };
}

interface Reading {
  collection: mongo.Collection;
  rest: Filter | null;
  scanRows: number;
  from: string | null;
  ascending: boolean;
  limit: number;
  projection: Filter | null;
}

/** What a branch gave: matching rows, and the id up to which it was read; null = to its end. */
interface BranchPart<Row> {
  rows: Row[];
  through: string | null;
}

async function readBranch<Row extends { _id: string }>(
  { collection, rest, scanRows, from, ascending, limit, projection }: Reading,
  branch: Filter,
): Promise<BranchPart<Row>> {
  const range = from === null ? [] : [{ _id: ascending ? { $gt: from } : { $lt: from } }];
  const match = range.length === 0 ? branch : { $and: [branch, ...range] };
  const sort = { _id: ascending ? 1 : -1 } as const;
  const wanted = Math.min(limit + 1, scanRows);
  const rows = (await collection
    .aggregate(
      [
        { $match: match },
        { $sort: sort },
        ...(rest === null ? [] : [{ $limit: scanRows }, { $match: rest }]),
        { $limit: wanted },
        ...(projection === null ? [] : [{ $project: projection }]),
      ],
      { batchSize: wanted },
    )
    .toArray()) as Row[];
  if (rows.length === wanted) return { rows, through: rows.at(-1)!._id };
  if (rest === null) return { rows, through: null };
  const [edge] = await collection
    .find(match, { projection: { _id: 1 } })
    .sort(sort)
    .skip(scanRows - 1)
    .limit(1)
    .toArray();
  return { rows, through: edge === undefined ? null : String(edge._id) };
}
