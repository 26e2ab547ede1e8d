import { keyString } from '../bson/keystring.js';
import { BDoc, UNDEFINED, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';

/** What one document puts into one index. */
export interface IndexKeys {
  /** One KeyString per entry, without duplicates. */
  readonly keys: Buffer[];
  /** Paths (prefixes of the indexed ones) where this document holds an array. */
  readonly multikeyPaths: string[];
}

interface Pattern {
  readonly paths: string[][];
  readonly directions: (1 | -1)[];
}

const patterns = new WeakMap<BDoc, Pattern>();

/**
 * Keys of `doc` in an index with the pattern `key`. Whether a sparse or partial index holds the document at all is not
 * decided here.
 * @throws CommandError CannotIndexParallelArrays (171)
 */
export function indexKeys(doc: BDoc, key: BDoc): IndexKeys {
  const { paths, directions } = patternOf(key);
  const { tuples, arrayPaths } = keyTuples(doc, paths);
  const unique = new Map<string, Buffer>();
  for (const tuple of tuples) {
    const bytes = keyString(tuple, directions);
    unique.set(tuples.length === 1 ? '' : bytes.toString('latin1'), bytes);
  }
  return { keys: [...unique.values()], multikeyPaths: [...arrayPaths] };
}

function patternOf(key: BDoc): Pattern {
  let pattern = patterns.get(key);
  if (!pattern) {
    const paths = key.keys().map((path) => path.split('.'));
    const directions = key.entries().map(([, direction]): 1 | -1 => (Number(direction) < 0 ? -1 : 1));
    patterns.set(key, (pattern = { paths, directions }));
  }
  return pattern;
}

/** All combinations of values that a document has at some paths, as an index over those paths would hold them. */
export interface KeyTuples {
  readonly tuples: BValue[][];
  /** Paths (from the root) where the document holds an array. */
  readonly arrayPaths: Set<string>;
}

/** How far the walk along one path has come. */
interface Cursor {
  readonly value: BValue | undefined;
  /** Index into the path of the next name to look up. */
  readonly at: number;
  /** An array at this place is a value of its own and not unrolled once more. */
  readonly settled: boolean;
}

/**
 * Unrolls arrays: every element gives one tuple, an empty array gives the deprecated `undefined`, a missing field null.
 * @throws CommandError CannotIndexParallelArrays (171) if two paths cross different arrays.
 */
export function keyTuples(doc: BDoc, paths: readonly (readonly string[])[]): KeyTuples {
  const found: KeyTuples = { tuples: [], arrayPaths: new Set() };
  const start: Cursor = { value: doc, at: 0, settled: false };
  unroll(
    paths,
    paths.map(() => start),
    found,
  );
  return found;
}

function unroll(paths: readonly (readonly string[])[], cursors: Cursor[], found: KeyTuples): void {
  const stopped = cursors.map((cursor, i) => advance(paths[i]!, cursor));
  const blocked = stopped.flatMap((cursor, i) => (Array.isArray(cursor.value) && !cursor.settled ? [i] : []));
  if (blocked.length === 0) {
    found.tuples.push(stopped.map((cursor) => cursor.value ?? null));
    return;
  }
  const pathTo = (i: number): string => paths[i]!.slice(0, stopped[i]!.at).join('.');
  const arrayPath = pathTo(blocked[0]!);
  const other = blocked.map(pathTo).find((path) => path !== arrayPath);
  if (other !== undefined) {
    throw new CommandError(
      'CannotIndexParallelArrays',
      `cannot index parallel arrays [${other}] [${arrayPath}]`,
    );
  }
  found.arrayPaths.add(arrayPath);
  const elements = stopped[blocked[0]!]!.value as BValue[];
  for (const element of elements.length === 0 ? [undefined] : elements) {
    unroll(
      paths,
      stopped.map((cursor, i) => (blocked.includes(i) ? enter(paths[i]!, cursor.at, element) : cursor)),
      found,
    );
  }
}

/** Walks documents (and array positions named in the path) until a value, a gap or an array to unroll. */
function advance(path: readonly string[], cursor: Cursor): Cursor {
  if (cursor.settled) return cursor;
  let { value, at } = cursor;
  for (; at < path.length; at++) {
    if (value instanceof BDoc) value = value.get(path[at]!);
    else if (Array.isArray(value) && namesPosition(path[at]!, value)) value = value[Number(path[at])];
    else break;
  }
  if (at < path.length && !Array.isArray(value)) return { value: undefined, at, settled: true };
  return { value, at, settled: false };
}

function namesPosition(name: string, array: BValue[]): boolean {
  if (!/^(0|[1-9]\d*)$/.test(name)) return false;
  return !array.some((element) => element instanceof BDoc && element.has(name));
}

/** Goes on with one element. Arrays directly inside arrays are not unrolled. */
function enter(path: readonly string[], at: number, element: BValue | undefined): Cursor {
  if (at === path.length)
    return { value: element ?? (element === null ? null : UNDEFINED), at, settled: true };
  const inside = element instanceof BDoc;
  return { value: inside ? element : undefined, at, settled: !inside };
}
