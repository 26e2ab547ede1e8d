import { asNumber } from '../bson/arithmetic.js';
import { equal } from '../bson/keystring.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { Collection, RidRange } from '../catalog/collection.js';
import type { Index } from '../catalog/index.js';
import { CommandError, badValue } from '../errors.js';
import type { EvalContext } from '../expr/compiler.js';
import type { KeyRange } from '../storage/tables.js';
import { branches, conditionsOf, isExact, isKey, type Condition, type Conditions } from './conditions.js';
import {
  EVERYTHING,
  descending,
  intersection,
  isEverything,
  isUndefined,
  pointOf,
  successor,
  within,
  type Interval,
} from './interval.js';
import { isOperatorDocument } from './leaf-predicate.js';
import type { SortPart } from './sort.js';

/** One pass over an index. */
export interface Scan {
  index: Index;
  /** What each field of the index may hold. */
  bounds: Interval[][];
  /** The same as ranges of whole keys, in index order. */
  ranges: KeyRange[];
  /** Each range is one key of a unique index. */
  lookup: boolean;
  /** Leading fields that are bound to points. */
  equalities: number;
  /** Whether the field after them is bound too. */
  range: boolean;
}

/** How a read finds its documents; unless `exact`, the complete filter is checked again on each of them. */
export interface Plan {
  /** Index scans, one after the other: several are the branches of an `$or`, none finds nothing. Null: all documents. */
  scans: Scan[] | null;
  reverse: boolean;
  /** Without scans: the records to read. */
  rids?: RidRange;
  /** Whether the documents come in the order of the query's sort. */
  sorted: boolean;
  exact: boolean;
  /** The keys of the scan are the matches, each once. */
  keysSuffice?: boolean;
}

/** What the planner must know of a read. */
export interface Query {
  filter: BDoc;
  sort: readonly SortPart[];
  hint?: string | BDoc | undefined;
  /** Variables of the filter's `$expr`. */
  vars?: EvalContext['vars'];
}

export const NOTHING: Plan = { scans: [], reverse: false, sorted: true, exact: false };

/** Picks the plan of a read. */
export function choosePlan(collection: Collection, query: Query): Plan {
  const { filter, sort, hint } = query;
  if (hint === undefined && collection.idIndex) {
    const key = idKeyOf(filter);
    if (key) return byId(collection.idIndex, key);
  }
  const natural = hint instanceof BDoc ? naturalDirection(hint, 'hint') : undefined;
  if (sort[0]?.path === '$natural' && hint !== undefined && sort[0].direction !== natural)
    throw badValue('the hint of a $natural sort order must be the same order');
  const byNature = sort.every(({ path }) => collection.isNaturalOrder(path));
  if (natural !== undefined || (byNature && sort.length > 0))
    return everything(collection, filter, byNature, (sort[0]?.direction ?? natural) === -1);

  const conditions = conditionsOf(filter, query.vars);
  const { all, ors } = conditions;
  if (hint !== undefined) return ordered(hinted(collection, hint, query, all), sort, conditions);
  if (all.some(isImpossible)) return NOTHING;
  const best = bestScan(collection, query, all);
  if (best && isBounded(best)) return ordered(best, sort, conditions);
  const either = ors.map((branches) => orScans(collection, filter, all, branches)).find((scans) => scans);
  if (either) return { scans: either, reverse: false, sorted: sort.length === 0, exact: false };
  return best ? ordered(best, sort, conditions) : everything(collection, filter, sort.length === 0);
}

/** The direction of a `$natural` order, which stands alone; undefined for any other. */
export function naturalDirection(order: BDoc, what: string): 1 | -1 | undefined {
  if (!order.has('$natural')) return undefined;
  const direction = asNumber(order.get('$natural'));
  if (order.size === 1 && (direction === 1 || direction === -1)) return direction;
  throw badValue(`$natural ${what} cannot be set to a value other than -1 or 1.`);
}

function everything(collection: Collection, filter: BDoc, sorted: boolean, reverse = false): Plan {
  return { scans: null, rids: collection.ridRange(filter), reverse, sorted, exact: false };
}

/** The interval of a filter that is just `{_id: value}`: one lookup is the whole answer. */
function idKeyOf(filter: BDoc): Interval | null {
  let id = filter.get('_id');
  if (id === undefined || filter.size !== 1) return null;
  if (isOperatorDocument(id)) id = id.size === 1 ? id.get('$eq') : undefined;
  return id === undefined || !isKey(id) ? null : pointOf(id);
}

function byId(index: Index, key: Interval): Plan {
  const scan = { index, bounds: [[key]], ranges: [key], lookup: true, equalities: 1, range: false };
  return { scans: [scan], reverse: false, sorted: true, exact: true };
}

function hinted(collection: Collection, hint: string | BDoc, query: Query, conditions: Condition[]): Scan {
  const [index, ...others] = collection.readyIndexes.filter(
    ({ spec }) => !spec.hidden && (hint instanceof BDoc ? equal(spec.key, hint) : spec.name === hint),
  );
  if (!index)
    throw badValue('planner returned error: hint provided does not correspond to an existing index');
  if (others.length > 0)
    throw new CommandError('IndexNotFound', 'Hint matched multiple indexes, must hint by index name');
  if (index.spec.partial && !holdsAllMatches(index, query.filter, conditions))
    throw new CommandError(
      291,
      `the hinted index '${index.spec.name}' does not hold all that the filter matches`,
    );
  return scanOf(index, conditions);
}

function ordered(scan: Scan, sort: readonly SortPart[], conditions: Conditions): Plan {
  const direction = sortDirection(scan, sort);
  return {
    scans: [scan],
    reverse: direction === -1,
    sorted: direction !== null,
    exact: false,
    keysSuffice: isExact(scan, conditions),
  };
}

function bestScan(collection: Collection, { filter, sort }: Query, conditions: Condition[]): Scan | null {
  let best: Scan | null = null;
  let bestRank = 0;
  for (const index of collection.readyIndexes) {
    if (index.spec.hidden || !holdsAllMatches(index, filter, conditions)) continue;
    const scan = scanOf(index, conditions);
    const rank = rankOf(scan, sort);
    if (rank > bestRank || (best && rank === bestRank && rank > 0 && keysOf(scan) < keysOf(best)))
      best = scan;
    bestRank = Math.max(rank, bestRank);
  }
  return best;
}

/** Whole unique key > longer equality prefix > sort served > range; 0 is of no use. */
function rankOf(scan: Scan, sort: readonly SortPart[]): number {
  const servesSort = sort.length > 0 && sortDirection(scan, sort) !== null;
  return Number(scan.lookup) * 1_000 + scan.equalities * 10 + Number(servesSort) * 4 + Number(scan.range);
}

const COUNT_LIMIT = 101;

function keysOf({ index, ranges }: Scan): number {
  let keys = 0;
  for (const range of ranges) if (keys < COUNT_LIMIT) keys += index.table.count(range, COUNT_LIMIT);
  return keys;
}

/** One index per branch of an `$or`; every branch must have one. */
function orScans(collection: Collection, filter: BDoc, all: Condition[], branches: BDoc[]): Scan[] | null {
  const scans: Scan[] = [];
  for (const branch of branches) {
    const conditions = [...all, ...conditionsOf(branch).all];
    if (conditions.some(isImpossible)) continue;
    const scan = bestScan(collection, { filter: BDoc.of(['$and', [filter, branch]]), sort: [] }, conditions);
    if (!scan || !isBounded(scan)) return null;
    scans.push(scan);
  }
  return scans;
}

function isBounded({ equalities, range }: Scan): boolean {
  return equalities > 0 || range;
}

function isImpossible({ intervals }: Condition): boolean {
  return intervals.length === 0;
}

/** 1 or -1 if the index yields the sort order read forwards or backwards, null if it does not. */
function sortDirection({ index, bounds, equalities }: Scan, sort: readonly SortPart[]): 1 | -1 | null {
  let at = 0;
  let found: 1 | -1 | null = null;
  const constant = (field: number): boolean => field < equalities && bounds[field]?.length === 1;
  for (const { path, direction } of sort) {
    if (index.hasArrayAt(path)) return null;
    if (constant(index.paths.indexOf(path))) continue;
    while (index.paths[at] !== path && constant(at)) at += 1;
    if (index.paths[at] !== path) return null;
    const needed = direction === index.directions[at] ? 1 : -1;
    if (found !== null && found !== needed) return null;
    found = needed;
    at += 1;
  }
  return found ?? 1;
}

/** Most ranges that a product of `$in` lists may make; beyond it the later list is left to the filter. */
const MAX_RANGES = 1_000;

function scanOf(index: Index, conditions: Condition[]): Scan {
  const bounds = boundsOf(index, conditions);
  let prefixes: Buffer[] = [Buffer.alloc(0)];
  let next = [EVERYTHING];
  let equalities = 0;
  for (const [at, ascending] of bounds.entries()) {
    next = index.directions[at] === -1 ? ascending.map(descending).reverse() : ascending;
    if (at > 0 && prefixes.length * next.length > MAX_RANGES) next = [EVERYTHING];
    if (!next.every(({ point }) => point)) break;
    prefixes = prefixes.flatMap((prefix) => next.map(({ low }) => Buffer.concat([prefix, low])));
    next = [EVERYTHING];
    equalities += 1;
  }
  const ranges = prefixes.flatMap((prefix) => next.map((interval) => under(prefix, interval)));
  const lookup = index.spec.unique && equalities === index.paths.length;
  return { index, bounds, ranges, lookup, equalities, range: !isEverything(next) };
}

function under(prefix: Buffer, { low, high }: Interval): KeyRange {
  return {
    low: Buffer.concat([prefix, low]),
    high: high ? Buffer.concat([prefix, high]) : successor(prefix),
  };
}

/**
 * Below an array each condition may be met by another element: there only one of them counts, and only one field of
 * the index is bound. What a missing value meets is no bound in a sparse index, which does not hold it.
 */
function boundsOf(index: Index, conditions: Condition[]): Interval[][] {
  let arrayBound = false;
  return index.paths.map((path) => {
    const isArray = index.hasArrayAt(path);
    const usable = conditions.filter(({ exists }) => exists || !isArray || !index.spec.sparse);
    const own = usable.filter((one) => one.path === path).map(({ intervals }) => intervals);
    if (own.length === 0 || (isArray && arrayBound)) return [EVERYTHING];
    // Null also looks for the key of undefined, which no match has where there is no array.
    if (!isArray) return own.reduce(intersection).filter((one) => !isUndefined(one));
    arrayBound = true;
    return own.reduce((best, other) => (looseness(other) < looseness(best) ? other : best));
  });
}

function looseness(intervals: Interval[]): number {
  if (isEverything(intervals)) return Infinity;
  return intervals.length + (intervals.every(({ point }) => point) ? 0 : MAX_RANGES);
}

/**
 * Whether every document that a filter can match is in the index. Always so for a plain index; a sparse one needs a
 * condition that only an existing value meets, a partial one a filter that implies its own.
 */
function holdsAllMatches({ spec, paths }: Index, filter: BDoc, conditions: Condition[]): boolean {
  if (spec.partial) return implies(filter, conditions, spec.partial);
  return !spec.sparse || conditions.some(({ path, exists }) => exists && paths.includes(path));
}

function implies(filter: BDoc, conditions: Condition[], partial: BDoc): boolean {
  return partial.entries().every(([name, value]) => {
    if (states(filter, name, value)) return true;
    if (name.startsWith('$'))
      return name === '$and' && branches(value).every((one) => implies(filter, conditions, one));
    const operators = isOperatorDocument(value) ? value.entries() : [['$eq', value] as const];
    const own = conditions.filter(({ path }) => path === name);
    return operators.every(([operator, operand]) => {
      const [outer] = conditionsOf(BDoc.of([name, BDoc.of([operator, operand])])).all;
      // Null is met in more than one way, and MinKey by values of any type.
      return outer?.exists && own.some((one) => one.exists && within(one.intervals, outer.intervals));
    });
  });
}

/** Whether the filter says the same in the same words. */
function states(filter: BDoc, name: string, value: BValue): boolean {
  return filter.entries().some(([other, stated]) => {
    if (other === '$and') return branches(stated).some((branch) => states(branch, name, value));
    return other === name && equal(stated, value);
  });
}
