import { BDoc } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/compiler.js';
import type { Entry, IndexRow, IndexTable, KeyRange, Row } from '../storage/tables.js';
import { compileFilter, type Matcher } from './matcher.js';
import { choosePlan, naturalDirection, NOTHING, type Plan } from './planner.js';
import { compileSort, sorted, type Sort, type SortPart } from './sort.js';

/** A document that a read found. */
export interface Found {
  rid: number;
  doc: BDoc;
}

/**
 * What a running read yields: documents, and `undefined` where it may be interrupted because it holds nothing but its
 * position.
 */
export type Reading<T> = Generator<T | undefined, void>;

/** A read of one collection, before projection. */
export interface FindQuery {
  filter: BDoc;
  sort?: BDoc | undefined;
  hint?: string | BDoc | undefined;
  skip?: number | undefined;
  limit?: number | undefined;
  allowDiskUse?: boolean | undefined;
}

/** A read with its plan, ready to run. */
export interface PreparedFind {
  plan: Plan;
  /** What the plan has looked at, for explain. */
  stats: { keysExamined: number; docsExamined: number };
  /** Whether a document matches, asked again before it is changed. */
  matches(doc: BDoc): boolean;
  run(): Reading<Found>;
  /** Numbers that add up to how many documents there are: from the index where its keys alone can tell. */
  count(): Reading<number>;
}

/** Parses the filter (and so refuses a wrong one even where there is no collection) and plans the read. */
export function prepareFind(
  collection: Collection | undefined,
  query: FindQuery,
  context: EvalContext,
): PreparedFind {
  const { filter, hint, skip = 0, limit = 0 } = query;
  let compiled: Matcher | null = null;
  const matcher = (): Matcher => (compiled ??= compileFilter(filter, context));
  const { order, parts } = readSort(query.sort);
  const plan = collection
    ? choosePlan(collection, { filter, sort: parts, hint, vars: context.vars })
    : NOTHING;
  const stats = { keysExamined: 0, docsExamined: 0 };
  const matches = plan.exact || filter.size === 0 ? null : matcher().matches;
  const window = limit > 0 ? skip + limit : 0;
  const passed = plan.keysSuffice && plan.sorted ? skip : 0;
  return {
    plan,
    stats,
    matches: (doc) => matcher().matches(doc),
    run() {
      if (!collection) return nothing();
      const wanted = plan.sorted ? Math.max(0, window - passed) : 0;
      let found = documents(collection, plan, matches, stats, { wanted, skip: passed });
      if (order && !plan.sorted) {
        const again = (rid: number): BDoc | null => {
          const bytes = collection.records.get(rid);
          const doc = bytes && BDoc.fromBytes(bytes);
          return doc && (!matches || matches(doc)) ? doc : null;
        };
        found = sorted(found, order, window, query.allowDiskUse ?? true, again);
      }
      // A generator less is worth it where a read finds one document at most.
      const left = skip - passed;
      return left > 0 || (limit > 0 && !plan.exact) ? limited(found, left, limit) : found;
    },
    *count() {
      const { scans, keysSuffice } = plan;
      const most = window || Infinity;
      if (!scans && filter.size === 0) yield Math.max(0, Math.min(collection?.count ?? 0, most) - skip);
      else if (!scans || !keysSuffice) for (const one of this.run()) yield one && 1;
      else {
        let count = 0;
        for (const { index, ranges } of scans)
          for (const range of ranges) count += (yield* walk(index.table, range, most - count)).count;
        yield Math.max(0, count - skip);
      }
    },
  };
}

/** `$natural` is an order of records that only a scan can serve. */
function readSort(spec: BDoc | undefined): { order: Sort | null; parts: readonly SortPart[] } {
  if (!spec || spec.size === 0) return { order: null, parts: [] };
  const direction = naturalDirection(spec, 'sort');
  if (direction) return { order: null, parts: [{ path: '$natural', direction }] };
  const order = compileSort(spec);
  return { order, parts: order.parts };
}

function* nothing(): Reading<Found> {
  // There is no collection.
}

function* limited(found: Reading<Found>, skip: number, limit: number): Reading<Found> {
  let left = skip;
  let taken = 0;
  for (const one of found) {
    if (one && left > 0) {
      left -= 1;
      continue;
    }
    yield one;
    if (one && ++taken === limit) return;
  }
}

/** How a read goes on. */
interface Pace {
  /** Documents that are needed, 0 if that is not known. */
  wanted: number;
  /** Keys that are passed over unread. */
  skip: number;
}

function* documents(
  collection: Collection,
  plan: Plan,
  matches: ((doc: BDoc) => boolean) | null,
  stats: PreparedFind['stats'],
  pace: Pace,
): Reading<Found> {
  const { scans, rids } = plan;
  // A document stands several times in an index if it has an array there, and in several branches of an `$or`.
  const seen = scans && (scans.length > 1 || scans[0]?.index.multikey.size) ? new Set<number>() : null;
  for (const row of rows(collection, plan, pace)) {
    if (!row) {
      yield undefined;
      continue;
    }
    if (rids && (row.rid < rids[0] || row.rid > rids[1])) return;
    if (scans) stats.keysExamined += 1;
    if (seen?.has(row.rid)) continue;
    seen?.add(row.rid);
    stats.docsExamined += 1;
    const doc = BDoc.fromBytes(row.bytes);
    if (!matches || matches(doc)) yield { rid: row.rid, doc };
  }
}

const NONE = { count: 0, last: undefined };

function* rows(collection: Collection, { scans, rids, reverse }: Plan, pace: Pace): Reading<Row> {
  const { records } = collection;
  if (!scans) {
    const before = rids && (reverse ? rids[1] + 1 : rids[0] - 1);
    yield* chunked(collection, pace, (after, size) => records.scan(after?.rid ?? before, size, reverse));
    return;
  }
  let { skip } = pace;
  for (const { index, ranges, lookup } of scans) {
    const { table } = index;
    for (const range of reverse ? ranges.toReversed() : ranges) {
      if (table.dropped) throw killed(`an index of ${collection.ns}`);
      const { count, last } = skip > 0 ? yield* walk(table, range, skip, reverse) : NONE;
      skip -= count;
      if (lookup) {
        const row = table.document(range.low);
        if (row && count === 0) yield row;
      } else if (skip === 0) {
        yield* chunked<IndexRow>(collection, pace, (after, size) => {
          if (table.dropped) throw killed(`an index of ${collection.ns}`);
          return table.scan(range, after ?? last, size, reverse);
        });
      }
      yield undefined;
    }
  }
}

/** Chunk sizes are powers of four, because each size is a statement of its own. */
const FIRST_CHUNK_ROWS = 16;
const MAX_CHUNK_ROWS = 1024;
/** An open cursor keeps its chunk until it is asked for more. */
const MAX_CHUNK_BYTES = 1024 * 1024;

/** Keeps no SQLite statement open, only a position, so that it can rest between two batches of a cursor. */
function* chunked<R extends Row>(
  collection: Collection,
  { wanted }: Pace,
  next: (after: R | undefined, size: number) => R[],
): Reading<R> {
  let after: R | undefined;
  const average = collection.bytes / Math.max(1, collection.count);
  let size = wanted === 1 ? 1 : wanted > 0 && wanted <= 4 ? 4 : FIRST_CHUNK_ROWS;
  while (size > 1 && size * average > MAX_CHUNK_BYTES) size /= 4;
  for (;;) {
    if (collection.dropped) throw killed(collection.ns);
    const chunk = next(after, size);
    const { version } = collection;
    for (const row of chunk) {
      after = row;
      yield row;
      if (collection.version !== version) break;
    }
    if (chunk.length < size && after === (chunk.at(-1) ?? after)) return;
    const larger = Math.min(size * 4, MAX_CHUNK_ROWS);
    if (larger * average <= MAX_CHUNK_BYTES) size = larger;
    yield undefined;
  }
}

/** Entries that are walked over before others may run: about a millisecond. */
const STEPS = 8192;

/** Walks over entries, at most so many, without reading documents. @returns how many, and the last if more may follow */
export function* walk(
  table: IndexTable,
  range: KeyRange,
  most: number,
  reverse = false,
): Generator<undefined, { count: number; last?: Entry | undefined }> {
  let count = 0;
  let last: Entry | undefined;
  while (count < most) {
    if (table.dropped) throw killed('an index');
    const steps = Math.min(STEPS, most - count);
    const next = table.skip(range, last, steps, reverse);
    if (!next) return { count: count + table.count(range, steps, last, reverse) };
    count += steps;
    last = next;
    yield undefined;
  }
  return { count, last };
}

export function killed(what: string): CommandError {
  return new CommandError('QueryPlanKilled', `the read was ended because ${what} was dropped`);
}
