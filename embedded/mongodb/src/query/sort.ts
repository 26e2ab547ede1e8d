import { compare } from '../bson/compare.js';
import { isNumber } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { keyTuples } from './key-tuples.js';

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
  /** For few comparisons; to sort many documents use {@link Sort.sort}, which takes each document's key once. */
  compare(a: BDoc, b: BDoc): number;
  /** A sorted copy. Documents with equal keys keep their order. */
  sort(docs: Iterable<BDoc>): BDoc[];
}

export function compileSort(spec: BDoc): Sort {
  const parts = spec
    .entries()
    .map(([path, direction]) => ({ path, direction: directionOf(path, direction) }));
  const paths = parts.map((part) => part.path.split('.'));
  const compareKeys = comparator(parts);
  const key = (doc: BDoc): SortKey => plainKey(doc, paths) ?? arrayKey(doc, paths, compareKeys);
  return {
    parts,
    key,
    compareKeys,
    compare: (a, b) => compareKeys(key(a), key(b)),
    sort: (docs) => {
      const keyed = Array.from(docs, (doc) => ({ doc, key: key(doc) }));
      keyed.sort((a, b) => compareKeys(a.key, b.key));
      return keyed.map((one) => one.doc);
    },
  };
}

function comparator(parts: readonly SortPart[]): (a: SortKey, b: SortKey) => number {
  if (parts.length === 1) {
    const { direction } = parts[0]!;
    return (a, b) => compare(a[0], b[0]) * direction;
  }
  return (a, b) => {
    for (let i = 0; i < parts.length; i++) {
      const order = compare(a[i], b[i]);
      if (order !== 0) return order * parts[i]!.direction;
    }
    return 0;
  };
}

/** The key of a document without arrays on its way; null if there is one. */
function plainKey(doc: BDoc, paths: readonly (readonly string[])[]): BValue[] | null {
  const key: BValue[] = [];
  for (const path of paths) {
    let value: BValue | undefined = doc;
    for (let i = 0; i < path.length && value !== undefined; i++) {
      if (Array.isArray(value)) return null;
      value = value instanceof BDoc ? value.get(path[i]!) : undefined;
    }
    if (Array.isArray(value)) return null;
    key.push(value ?? null);
  }
  return key;
}

function arrayKey(
  doc: BDoc,
  paths: readonly (readonly string[])[],
  compareKeys: (a: SortKey, b: SortKey) => number,
): SortKey {
  try {
    return keyTuples(doc, paths).tuples.reduce((least, tuple) =>
      compareKeys(tuple, least) < 0 ? tuple : least,
    );
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 171) throw error;
    throw new CommandError('BadValue', 'cannot sort with keys that are parallel arrays');
  }
}

function directionOf(path: string, direction: BValue): 1 | -1 {
  checkPath(path);
  if (direction instanceof BDoc) {
    if (direction.has('$meta')) throw unsupported('$sort by $meta');
    throw new CommandError(
      'BadValue',
      `Illegal key in $sort specification: ${path}: an object other than {$meta: ...}`,
    );
  }
  const number = isNumber(direction) ? Number(direction) : NaN;
  if (number === 1 || number === -1) return number;
  throw new CommandError(
    isNumber(direction) ? 15975 : 15974,
    '$sort key ordering must be 1 (for ascending) or -1 (for descending)',
  );
}

function checkPath(path: string): void {
  if (path === '') throw new CommandError(40352, 'FieldPath cannot be constructed with empty string');
  if (path.startsWith('.') || path.endsWith('.') || path.includes('..')) {
    throw new CommandError(15998, `FieldPath field names may not be empty strings, got '${path}'`);
  }
  if (path.startsWith('$')) {
    throw new CommandError(16410, `FieldPath field names may not start with '$', got '${path}'`);
  }
}
