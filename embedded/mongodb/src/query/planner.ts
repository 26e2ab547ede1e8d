import { describe } from '../bson/describe.js';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import type { Index } from '../catalog/index.js';
import { CommandError } from '../errors.js';
import type { KeyRange } from '../storage/index-table.js';
import { holdsAllMatches } from './implication.js';
import { boundsOf, isMultikey } from './index-bounds.js';
import type { IndexBounds } from './index-bounds.js';
import { pointOf } from './interval.js';
import { conditionsOf, isOperators } from './predicates.js';
import type { Predicate } from './predicates.js';
import { BSONRegExp } from 'bson';

export interface SortPart {
  path: string;
  direction: 1 | -1;
}

/** What the planner must know of a read. */
export interface Query {
  filter: BDoc;
  sort: SortPart[];
  hint?: string | BDoc | undefined;
}

export interface IndexPlan {
  kind: 'index';
  index: Index;
  ranges: KeyRange[];
  bounds: IndexBounds;
  reverse: boolean;
  /** Whether the documents come in the order of the query's sort. */
  sorted: boolean;
}

/**
 * How a read finds its documents. `id` is the whole answer to `{_id: value}`; with all others the complete filter is
 * checked again on each document.
 */
export type Plan =
  | { kind: 'none'; sorted: true }
  | { kind: 'id'; index: Index; key: Buffer; sorted: true }
  | { kind: 'scan'; reverse: boolean; sorted: boolean }
  | { kind: 'or'; branches: IndexPlan[]; sorted: false }
  | IndexPlan;

/** Picks the plan of a read. */
export function plan(collection: Collection, query: Query): Plan {
  if (query.hint === undefined) {
    const key = idKeyOf(query.filter);
    if (key) return { kind: 'id', index: collection.idIndex, key, sorted: true };
  }
  const natural = naturalOrder(query.hint) ?? naturalSort(query.sort);
  if (natural !== undefined)
    return { kind: 'scan', reverse: natural < 0, sorted: query.sort.length <= 1 && isNatural(query.sort) };
  const { predicates, ors } = conditionsOf(query.filter);
  if (query.hint !== undefined) return hinted(collection, query, predicates);
  if (predicates.some(({ intervals }) => intervals.length === 0)) return { kind: 'none', sorted: true };

  const best = bestIndex(collection, query, predicates);
  if (best && isBounded(best)) return best;
  const either = orPlan(collection, query, predicates, ors);
  if (either) return either;
  return best ?? { kind: 'scan', reverse: false, sorted: query.sort.length === 0 };
}

/** The key of a filter that is just `{_id: value}`. */
function idKeyOf(filter: BDoc): Buffer | null {
  if (filter.size !== 1) return null;
  let id = filter.get('_id');
  if (id === undefined) return null;
  if (isOperators(id)) {
    if (id.size !== 1) return null;
    id = id.get('$eq');
    if (id === undefined) return null;
  }
  if (Array.isArray(id) || id instanceof BSONRegExp) return null;
  return pointOf(id).low;
}

/** Hints and sorts by `$natural` mean record order. */
function naturalOrder(hint: string | BDoc | undefined): number | undefined {
  if (!(hint instanceof BDoc) || hint.size !== 1) return undefined;
  const direction = hint.get('$natural');
  return direction === undefined ? undefined : Number(direction);
}

function naturalSort(sort: SortPart[]): number | undefined {
  return isNatural(sort) && sort.length > 0 ? sort[0]?.direction : undefined;
}

function isNatural(sort: SortPart[]): boolean {
  return sort.every(({ path }) => path === '$natural');
}

function hinted(collection: Collection, query: Query, predicates: Predicate[]): Plan {
  const index = indexByHint(collection, query.hint as string | BDoc);
  if (index.spec.partial && !holdsAllMatches(index, query.filter, predicates)) {
    throw new CommandError(
      291,
      `error processing query: the hinted index '${index.spec.name}' does not hold all documents of the filter`,
    );
  }
  const candidate = indexPlan(index, query, predicates);
  return candidate.ranges.length === 0 ? { kind: 'none', sorted: true } : candidate;
}

function indexByHint(collection: Collection, hint: string | BDoc): Index {
  const wanted = typeof hint === 'string' ? null : patternText(hint);
  const index = collection.readyIndexes.find(
    ({ spec }) => !spec.hidden && (wanted === null ? spec.name === hint : patternText(spec.key) === wanted),
  );
  if (index) return index;
  throw new CommandError(
    'BadValue',
    'error processing query: planner returned error: hint provided does not correspond to an existing index',
  );
}

function patternText(key: BDoc): string {
  return key
    .entries()
    .map(([path, direction]: [string, BValue]) => `${path}:${describe(direction)}`)
    .join();
}

function bestIndex(collection: Collection, query: Query, predicates: Predicate[]): IndexPlan | null {
  const candidates = collection.readyIndexes
    .filter(({ spec }) => !spec.hidden)
    .filter((index) => holdsAllMatches(index, query.filter, predicates))
    .map((index) => indexPlan(index, query, predicates))
    .filter((candidate) => isBounded(candidate) || (candidate.sorted && query.sort.length > 0));
  if (candidates.length < 2) return candidates[0] ?? null;
  const ranks = candidates.map((candidate) => rank(candidate, query));
  const top = Math.max(...ranks);
  const tied = candidates.filter((_, at) => ranks[at] === top);
  return tied.length === 1 ? (tied[0] as IndexPlan) : fewestKeys(tied);
}

function isBounded({ bounds }: IndexPlan): boolean {
  return bounds.equalities > 0 || bounds.hasRange;
}

/** Whole unique key > longer equality prefix > sort served > range > scan. */
function rank({ index, bounds, sorted }: IndexPlan, query: Query): number {
  const whole = index.unique && bounds.equalities === index.paths.length ? 1 : 0;
  const servesSort = sorted && query.sort.length > 0 ? 1 : 0;
  return whole * 1_000 + bounds.equalities * 10 + servesSort * 4 + (bounds.hasRange ? 1 : 0);
}

const COUNT_LIMIT = 101;

function fewestKeys(candidates: IndexPlan[]): IndexPlan {
  const counted = candidates.map((candidate) => ({ candidate, keys: keysUpTo(candidate) }));
  return counted.reduce((best, other) => (other.keys < best.keys ? other : best)).candidate;
}

function keysUpTo({ index, ranges }: IndexPlan): number {
  let keys = 0;
  for (const range of ranges) {
    keys += index.table.count(range, COUNT_LIMIT);
    if (keys >= COUNT_LIMIT) break;
  }
  return keys;
}

function indexPlan(index: Index, query: Query, predicates: Predicate[]): IndexPlan {
  const bounds = boundsOf(index, predicates);
  const direction = query.sort.length > 0 ? sortDirection(index, bounds, query.sort) : null;
  const sorted = query.sort.length === 0 || direction !== null;
  return { kind: 'index', index, ranges: bounds.ranges, bounds, reverse: direction === -1, sorted };
}

/** 1 or -1 if the index yields the sort order read forwards or backwards, null if it does not. */
function sortDirection(index: Index, bounds: IndexBounds, sort: SortPart[]): 1 | -1 | null {
  let at = 0;
  let found: 1 | -1 | null = null;
  const constant = (field: number): boolean =>
    field < bounds.equalities && bounds.fields[field]?.length === 1;
  for (const { path, direction } of sort) {
    if (isMultikey(index, path)) return null;
    const position = index.paths.indexOf(path);
    if (position >= 0 && constant(position)) continue;
    while (at < index.paths.length && index.paths[at] !== path && constant(at)) at += 1;
    if (index.paths[at] !== path) return null;
    const needed = direction === index.directions[at] ? 1 : -1;
    if (found !== null && found !== needed) return null;
    found = needed;
    at += 1;
  }
  return found ?? 1;
}

/** One index per branch of an `$or`; every branch must have one. */
function orPlan(collection: Collection, query: Query, predicates: Predicate[], ors: BDoc[][]): Plan | null {
  for (const branches of ors) {
    const plans: IndexPlan[] = [];
    for (const branch of branches) {
      const own = [...predicates, ...conditionsOf(branch).predicates];
      const filter = BDoc.of(['$and', [query.filter, branch]]);
      if (own.some(({ intervals }) => intervals.length === 0)) continue;
      const best = bestIndex(collection, { filter, sort: [] }, own);
      if (!best || !isBounded(best)) break;
      plans.push(best);
    }
    const planned = branches.filter(
      (branch) => !conditionsOf(branch).predicates.some(({ intervals }) => intervals.length === 0),
    );
    if (plans.length === planned.length) return { kind: 'or', branches: plans, sorted: false };
  }
  return null;
}
