import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { Collection } from '../catalog/collection.js';
import type { KeyRange } from '../storage/index-table.js';
import type { Row } from '../storage/record-table.js';
import type { IndexPlan, Plan } from './planner.js';

/** A document that a plan found. */
export interface Found {
  rid: number;
  doc: BDoc;
}

/**
 * What a running read yields: documents, and `undefined` where it may be interrupted because it holds nothing but its
 * position.
 */
export type Reading<T> = Generator<T | undefined, void>;

/** What a plan has looked at, for explain and the counters. */
export interface ReadStats {
  keysExamined: number;
  docsExamined: number;
}

export interface ReadOptions {
  /** Null if the plan alone answers the filter. */
  matches: ((doc: BDoc) => boolean) | null;
  stats: ReadStats;
  /** Changes whenever something was committed: rows read before are then read again. */
  epoch: () => number;
  /** Documents wanted at most, 0 if unknown: the first chunk is no larger. */
  wanted: number;
}

/** Chunk sizes are powers of four, because each size is a statement of its own. */
const FIRST_CHUNK_ROWS = 16;
const MAX_CHUNK_ROWS = 1024;
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

/** Runs a plan. It keeps no SQLite statement open, only a position, so it can rest between two batches of a cursor. */
export function* execute(collection: Collection, plan: Plan, options: ReadOptions): Reading<Found> {
  switch (plan.kind) {
    case 'none':
      return;
    case 'id': {
      const row = plan.index.table.document(plan.key);
      options.stats.keysExamined += 1;
      if (!row) return;
      options.stats.docsExamined += 1;
      yield { rid: row.rid, doc: BDoc.fromBytes(row.bytes) };
      return;
    }
    case 'scan':
      yield* matching(scanRows(collection, plan.reverse, options), options);
      return;
    case 'index':
      yield* matching(indexRows(collection, plan, options), options);
      return;
    case 'or':
      yield* withoutRepeats(eachBranch(collection, plan.branches, options));
      return;
  }
}

function* eachBranch(collection: Collection, branches: IndexPlan[], options: ReadOptions): Reading<Found> {
  for (const branch of branches) yield* matching(indexRows(collection, branch, options), options);
}

function* matching(rows: Reading<Row>, { matches, stats }: ReadOptions): Reading<Found> {
  for (const row of rows) {
    if (!row) {
      yield undefined;
      continue;
    }
    stats.docsExamined += 1;
    const doc = BDoc.fromBytes(row.bytes);
    if (!matches || matches(doc)) yield { rid: row.rid, doc };
  }
}

function* scanRows(collection: Collection, reverse: boolean, options: ReadOptions): Reading<Row> {
  let after: number | null = null;
  for (let size = firstSize(options); ; size = nextSize(collection, size)) {
    checkAlive(collection.dropped, collection.ns);
    const rows = collection.records.scan({ after, limit: size, reverse });
    const read = options.epoch();
    for (const row of rows) {
      after = row.rid;
      yield row;
      if (options.epoch() !== read) break;
    }
    if (rows.length < size && (rows.length === 0 || after === rows.at(-1)?.rid)) return;
    yield undefined;
  }
}

function* indexRows(collection: Collection, plan: IndexPlan, options: ReadOptions): Reading<Row> {
  const ranges = plan.reverse ? [...plan.ranges].reverse() : plan.ranges;
  const rows = rangesRows(collection, plan, ranges, options);
  // A document with an array can stand several times in the index.
  if (plan.index.multikey.size === 0) yield* rows;
  else yield* withoutRepeats(rows);
}

function* rangesRows(
  collection: Collection,
  plan: IndexPlan,
  ranges: KeyRange[],
  options: ReadOptions,
): Reading<Row> {
  const { table } = plan.index;
  let size = firstSize(options);
  for (const range of ranges) {
    let after: { key: Buffer; rid: number } | null = null;
    for (;;) {
      checkAlive(collection.dropped || table.dropped, `${collection.ns} or its index`);
      const rows = table.scan(range, after, size, plan.reverse);
      const read = options.epoch();
      let taken = 0;
      for (const row of rows) {
        after = row;
        taken += 1;
        options.stats.keysExamined += 1;
        yield row;
        if (options.epoch() !== read) break;
      }
      if (rows.length < size && taken === rows.length) break;
      size = nextSize(collection, size);
      yield undefined;
    }
  }
}

function* withoutRepeats<T extends { rid: number }>(rows: Reading<T>): Reading<T> {
  const seen = new Set<number>();
  for (const row of rows) {
    if (row && seen.has(row.rid)) continue;
    if (row) seen.add(row.rid);
    yield row;
  }
}

function checkAlive(dropped: boolean, what: string): void {
  if (dropped) throw new CommandError('QueryPlanKilled', `the read was ended because ${what} was dropped`);
}

function firstSize({ wanted }: ReadOptions): number {
  if (wanted === 1) return 1;
  return wanted > 0 && wanted <= 4 ? 4 : FIRST_CHUNK_ROWS;
}

/** Chunks grow while a read goes on, but never hold many bytes. */
function nextSize(collection: Collection, size: number): number {
  const average = collection.bytes / Math.max(1, collection.count);
  let next = Math.min(size * 4, MAX_CHUNK_ROWS);
  while (next > 1 && next * average > MAX_CHUNK_BYTES) next /= 4;
  return next;
}
