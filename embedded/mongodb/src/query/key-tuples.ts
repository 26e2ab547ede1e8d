import { CommandError } from '../errors.js';
import { BDoc, UNDEFINED, type BValue } from '../bson/values.js';

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
  unroll(
    paths,
    paths.map((): Cursor => ({ value: doc, at: 0, settled: false })),
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
  const arrayPath = pathOf(paths, stopped, blocked[0]!);
  for (const i of blocked) {
    const other = pathOf(paths, stopped, i);
    if (other === arrayPath) continue;
    throw new CommandError(
      'CannotIndexParallelArrays',
      `cannot index parallel arrays [${lastName(other)}] [${lastName(arrayPath)}]`,
    );
  }
  found.arrayPaths.add(arrayPath);
  const elements = stopped[blocked[0]!]!.value as BValue[];
  for (const element of elements.length === 0 ? [undefined] : elements) {
    const next = [...stopped];
    for (const i of blocked) next[i] = enter(paths[i]!, stopped[i]!, element);
    unroll(paths, next, found);
  }
}

/** Walks documents (and array positions named in the path) until a value, a gap or an array to unroll. */
function advance(path: readonly string[], cursor: Cursor): Cursor {
  let { value, at } = cursor;
  if (cursor.settled) return cursor;
  while (at < path.length) {
    if (value instanceof BDoc) value = value.get(path[at]!);
    else if (Array.isArray(value) && namesPosition(path[at]!, value)) value = value[Number(path[at])];
    else break;
    at++;
  }
  if (at < path.length && !Array.isArray(value)) return { value: undefined, at, settled: true };
  return { value, at, settled: false };
}

function namesPosition(name: string, array: BValue[]): boolean {
  if (!/^(0|[1-9]\d*)$/.test(name)) return false;
  return !array.some((element) => element instanceof BDoc && element.has(name));
}

function enter(path: readonly string[], cursor: Cursor, element: BValue | undefined): Cursor {
  const { at } = cursor;
  if (at === path.length) return { value: element === undefined ? UNDEFINED : element, at, settled: true };
  // Arrays directly inside arrays are not unrolled.
  return element instanceof BDoc
    ? { value: element, at, settled: false }
    : { value: undefined, at, settled: true };
}

function pathOf(paths: readonly (readonly string[])[], cursors: Cursor[], i: number): string {
  return paths[i]!.slice(0, cursors[i]!.at).join('.');
}

const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
