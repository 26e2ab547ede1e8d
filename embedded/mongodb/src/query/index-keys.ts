import { keyString } from '../bson/keystring.js';
import { UNDEFINED } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { isPosition } from './path-test.js';

/** What one document puts into one index. */
export interface IndexKeys {
  /** One KeyString per entry, without duplicates. */
  readonly keys: Buffer[];
  /** Paths (prefixes of the indexed ones) where this document holds an array. */
  readonly multikeyPaths: string[];
}

export type Paths = readonly (readonly string[])[];

/**
 * Keys of `doc` in an index. Whether a partial index holds the document at all is not decided here, nor whether a sparse
 * one does; but of an array a sparse index holds only the elements that have something at one of the paths.
 * @throws CommandError CannotIndexParallelArrays (171), 16746 for a path that means two things
 */
export function indexKeys(
  doc: BDoc,
  paths: Paths,
  directions: readonly (1 | -1)[],
  sparse = false,
): IndexKeys {
  const plain = plainTuple(doc, paths);
  if (plain) return { keys: [keyString(plain, directions)], multikeyPaths: [] };
  const { tuples, arrayPaths } = keyTuples(doc, paths, sparse);
  const unique = new Map<string, Buffer>();
  for (const tuple of tuples) {
    const bytes = keyString(tuple, directions);
    unique.set(bytes.toString('latin1'), bytes);
  }
  return { keys: [...unique.values()], multikeyPaths: [...arrayPaths] };
}

/** The one key of a document without arrays on its way; null if there is one. A missing field counts as null. */
export function plainTuple(doc: BDoc, paths: Paths): BValue[] | null {
  const tuple: BValue[] = [];
  for (const path of paths) {
    let value: BValue | undefined = doc;
    for (const name of path) {
      if (Array.isArray(value)) return null;
      value = value instanceof BDoc ? value.get(name) : undefined;
    }
    if (Array.isArray(value)) return null;
    tuple.push(value ?? null);
  }
  return tuple;
}

/** How far the walk along one path has come. */
interface Step {
  readonly value: BValue | undefined;
  /** Index into the path of the next name to look up. */
  readonly at: number;
  /** The walk has ended: an array here is a value of its own and not unrolled once more. */
  readonly settled: boolean;
}

/**
 * All combinations of values that a document has at some paths, as an index over those paths would hold them, and the
 * paths (from the root) where it holds an array. Every element of an array gives one, an empty array the deprecated
 * `undefined`. `sparse` leaves out the combinations of missing values only.
 */
export function keyTuples(
  doc: BDoc,
  paths: Paths,
  sparse = false,
): { tuples: BValue[][]; arrayPaths: Set<string> } {
  const tuples: BValue[][] = [];
  const arrayPaths = new Set<string>();
  function unroll(before: Step[]): void {
    const steps = before.map((step, i) => advance(paths[i]!, step));
    const pathTo = (i: number): string => paths[i]!.slice(0, steps[i]!.at).join('.');
    const blocked = steps.flatMap(({ value, settled }, i) => (Array.isArray(value) && !settled ? [i] : []));
    const [first] = blocked;
    if (first === undefined) {
      const missing = sparse && steps.every(({ value }) => value === undefined);
      if (!missing) tuples.push(steps.map(({ value }) => value ?? null));
      return;
    }
    const arrayPath = pathTo(first);
    const other = blocked.map(pathTo).find((path) => path !== arrayPath);
    if (other !== undefined) {
      const message = `cannot index parallel arrays [${other}] [${arrayPath}]`;
      throw new CommandError('CannotIndexParallelArrays', message);
    }
    arrayPaths.add(arrayPath);
    const elements = steps[first]!.value as BValue[];
    for (const element of elements.length === 0 ? [undefined] : elements)
      unroll(
        steps.map((step, i) =>
          blocked.includes(i) ? enter(step.at === paths[i]!.length, step.at, element) : step,
        ),
      );
  }
  unroll(paths.map(() => ({ value: doc, at: 0, settled: false })));
  return { tuples, arrayPaths };
}

/** Walks documents (and array positions named in the path) until a value, a gap or an array to unroll. */
function advance(path: readonly string[], step: Step): Step {
  if (step.settled) return step;
  let { value, at } = step;
  for (; at < path.length; at++) {
    if (value instanceof BDoc) value = value.get(path[at]!);
    else if (Array.isArray(value) && namesPosition(path[at]!, value)) {
      value = value[Number(path[at])];
      // An array inside an array is a value of its own.
      if (at === path.length - 1 && Array.isArray(value))
        return { value: value.length > 0 ? value : UNDEFINED, at: path.length, settled: true };
    } else break;
  }
  if (at < path.length && !Array.isArray(value)) return { value: undefined, at, settled: true };
  return { value, at, settled: false };
}

/** As in MongoDB, `a.0` cannot be the first element and a field `0` of an element at once. */
function namesPosition(name: string, array: BValue[]): boolean {
  if (!isPosition(name) || Number(name) >= array.length) return false;
  if (!array.some((element) => element instanceof BDoc && element.has(name))) return true;
  throw new CommandError(16746, `Ambiguous field name found in array, a position and a field: '${name}'`);
}

/** Goes on with one element. Arrays directly inside arrays are not unrolled. */
function enter(isEnd: boolean, at: number, element: BValue | undefined): Step {
  if (isEnd) return { value: element === undefined ? UNDEFINED : element, at, settled: true };
  return element instanceof BDoc
    ? { value: element, at, settled: false }
    : { value: undefined, at, settled: true };
}
