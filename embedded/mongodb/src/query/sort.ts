import { toSafeInteger } from '../bson/arithmetic.js';
import { describe } from '../bson/expect.js';
import { compare } from '../bson/keystring.js';
import { isNumber } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported, badValue } from '../errors.js';
import { fieldPath } from '../expr/compiler.js';
import type { Found, Reading } from './find.js';
import { keyTuples, plainTuple, type Paths } from './index-keys.js';

/** One component of a sort. */
export interface SortPart {
  readonly path: string;
  readonly direction: 1 | -1;
}

export type SortKey = readonly BValue[];

/** A compiled sort specification. */
export interface Sort {
  readonly parts: readonly SortPart[];
  /** What a document is sorted by. In arrays: the least element where ascending, the greatest where descending. */
  key(doc: BDoc): SortKey;
  compareKeys(a: SortKey, b: SortKey): number;
  /** A sorted copy. Documents with equal keys keep their order. */
  sort(docs: Iterable<BDoc>): BDoc[];
}

export function compileSort(spec: BDoc): Sort {
  const parts = spec
    .entries()
    .map(([path, direction]) => ({ path, direction: directionOf(path, direction) }));
  const paths = parts.map((part) => fieldPath(part.path));
  const compareKeys = comparator(parts);
  const key = (doc: BDoc): SortKey => plainTuple(doc, paths) ?? arrayKey(doc, paths, compareKeys);
  return {
    parts,
    key,
    compareKeys,
    sort: (docs) => {
      const keyed = Array.from(docs, (doc) => ({ doc, key: key(doc) }));
      keyed.sort((a, b) => compareKeys(a.key, b.key));
      return keyed.map((one) => one.doc);
    },
  };
}

function comparator(parts: readonly SortPart[]): Sort['compareKeys'] {
  const [first] = parts;
  // The most common sort, without the loop.
  if (first && parts.length === 1) return (a, b) => compare(a[0], b[0]) * first.direction;
  return (a, b) => {
    for (let i = 0; i < parts.length; i++) {
      const order = compare(a[i], b[i]);
      if (order !== 0) return order * parts[i]!.direction;
    }
    return 0;
  };
}

function arrayKey(doc: BDoc, paths: Paths, compareKeys: Sort['compareKeys']): SortKey {
  try {
    const { tuples } = keyTuples(doc, paths);
    return tuples.reduce((least, tuple) => (compareKeys(tuple, least) < 0 ? tuple : least));
  } catch (error) {
    if (!(error instanceof CommandError) || error.codeName !== 'CannotIndexParallelArrays') throw error;
    throw badValue('cannot sort with keys that are parallel arrays');
  }
}

function directionOf(path: string, direction: BValue): 1 | -1 {
  if (direction instanceof BDoc)
    throw unsupported(`$sort by the expression ${describe(direction)} at ${path}`);
  const number = toSafeInteger(direction);
  if (number === 1 || number === -1) return number;
  throw new CommandError(isNumber(direction) ? 15975 : 15974, '$sort key ordering must be 1 or -1');
}

/**
 * Order of array elements for `$push` with `$sort` and for `$sortArray`: as a whole (1, -1), or by fields of the
 * elements that are documents. Arrays inside compare as arrays.
 */
export function elementOrder(spec: BValue): (a: BValue, b: BValue) => number {
  if (!(spec instanceof BDoc)) {
    const direction = elementDirection(spec);
    return (a, b) => compare(a, b) * direction;
  }
  if (spec.size === 0) throw badValue('The $sort pattern is empty');
  const parts = spec.entries().map(([path, value]) => ({ path, direction: elementDirection(value) }));
  const paths = parts.map(({ path }) => path.split('.'));
  if (paths.flat().includes('')) throw badValue('The $sort field is empty or has an empty part');
  const compareKeys = comparator(parts);
  const key = (element: BValue): SortKey => paths.map((path) => fieldAt(element, path) ?? null);
  return (a, b) => compareKeys(key(a), key(b));
}

function elementDirection(value: BValue): 1 | -1 {
  const direction = toSafeInteger(value);
  if (direction === 1 || direction === -1) return direction;
  throw badValue(`The $sort element value must be either 1 or -1, got ${describe(value)}`);
}

/** Through documents only: an array on the way ends the path. */
export function fieldAt(value: BValue | undefined, path: readonly string[]): BValue | undefined {
  for (const name of path) value = value instanceof BDoc ? value.get(name) : undefined;
  return value;
}

/** Documents that one sort holds in memory, as in MongoDB; beyond it only their sort keys are held. */
const MAX_SORT_BYTES = 100 * 1024 * 1024;
const MAX_SORT_KEYS = 2_000_000;

interface Keyed {
  key: SortKey;
  rid: number;
  /** Null if it is to be read again. */
  doc: BDoc | null;
}

/**
 * A sort that no index serves. With a window (skip plus limit) it never holds more than about twice that many
 * documents. Above 100 MB it keeps the keys and reads the documents `again`, or without `allowDiskUse` fails with 292.
 */
export function* sorted(
  input: Reading<Found>,
  sort: Sort,
  window: number,
  allowDiskUse: boolean,
  again: (rid: number) => BDoc | null,
): Reading<Found> {
  let held: Keyed[] = [];
  let bytes = 0;
  const order = (a: Keyed, b: Keyed): number => sort.compareKeys(a.key, b.key);
  for (const found of input) {
    if (!found) {
      yield undefined;
      continue;
    }
    const { rid, doc } = found;
    held.push({ key: sort.key(doc), rid, doc });
    bytes += doc.toBytes().length;
    if (window > 0 && held.length >= 2 * window + 64) {
      held = held.sort(order).slice(0, window);
      bytes = held.reduce((sum, one) => sum + (one.doc?.toBytes().length ?? 0), 0);
    }
    if (bytes <= MAX_SORT_BYTES) continue;
    if (!allowDiskUse || held.length > MAX_SORT_KEYS) throw tooLarge(held.length);
    for (const one of held) one.doc = null;
    bytes = 0;
  }
  held.sort(order);
  for (const { rid, doc } of window > 0 ? held.slice(0, window) : held) {
    const current = doc ?? again(rid);
    if (current) yield { rid, doc: current };
    if (!doc) yield undefined;
  }
}

function tooLarge(documents: number): CommandError {
  return new CommandError(
    'QueryExceededMemoryLimitNoDiskUseAllowed',
    `Sort exceeded its memory at ${documents} documents: allow disk use, set a limit, or add an index that serves the sort`,
  );
}
