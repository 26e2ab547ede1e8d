import type { Index } from '../catalog/index.js';
import type { KeyRange } from '../storage/index-table.js';
import { EVERYTHING, descending, intersection, isEverything, successor } from './interval.js';
import type { Interval } from './interval.js';
import type { Element, Predicate } from './predicates.js';

/** Most ranges that a product of `$in` lists may make; beyond it the later list is left to the filter. */
const MAX_RANGES = 1_000;

/** What an index can do for a set of conditions. */
export interface IndexBounds {
  ranges: KeyRange[];
  /** Bounds per field of the index, for explain and for the sort rules. */
  fields: Interval[][];
  /** Leading fields bound to points only. */
  equalities: number;
  /** Whether the field after the equalities is bounded too. */
  hasRange: boolean;
}

/** Bounds of an index by the conditions that must all hold, with what arrays forbid taken into account. */
export function boundsOf(index: Index, predicates: Predicate[]): IndexBounds {
  const fields: Interval[][] = [];
  const used: Used[] = [];
  for (const path of index.paths) {
    const choice = fieldBounds(index, path, predicates, used);
    fields.push(choice.intervals);
    if (!isEverything(choice.intervals)) used.push({ path, element: choice.element });
  }
  return { fields, ...compound(index, fields) };
}

interface Choice {
  intervals: Interval[];
  element: Element | null;
}

function fieldBounds(index: Index, path: string, predicates: Predicate[], used: Used[]): Choice {
  const own = predicates.filter((predicate) => predicate.path === path);
  const arrays = arraysAbove(index, path);
  if (own.length === 0) return { intervals: [EVERYTHING], element: null };
  if (arrays.length === 0)
    return { intervals: own.map((one) => one.intervals).reduce(intersection), element: null };

  const shared = used.filter((other) =>
    arraysAbove(index, other.path).some((array) => arrays.includes(array)),
  );
  const choices = choicesOf(own, arrays).filter(({ element }) =>
    shared.every((other) => sameElement(index, arrays, other, element)),
  );
  return choices.sort(byNarrowness)[0] ?? { intervals: [EVERYTHING], element: null };
}

interface Used {
  path: string;
  element: Element | null;
}

/**
 * Under an array each condition may be met by another element, so only one counts; those of one `$elemMatch` count
 * together, unless there is a further array below that element.
 */
function choicesOf(own: Predicate[], arrays: string[]): Choice[] {
  const choices: Choice[] = own.map(({ intervals, element }) => ({ intervals, element }));
  for (const element of new Set(own.map((one) => one.element))) {
    if (!element || !arrays.every((array) => isPrefix(array, element.path))) continue;
    const together = own.filter((one) => one.element === element).map((one) => one.intervals);
    choices.push({ intervals: together.reduce(intersection), element });
  }
  return choices;
}

/** Two fields below one array may both be bounded only if one `$elemMatch` binds them to the same element. */
function sameElement(index: Index, arrays: string[], other: Used, element: Element | null): boolean {
  if (!element || other.element !== element) return false;
  const common = arraysAbove(index, other.path).filter((array) => arrays.includes(array));
  return common.every((array) => isPrefix(array, element.path));
}

function arraysAbove(index: Index, path: string): string[] {
  return [...index.multikey].filter((array) => isPrefix(array, path));
}

function isPrefix(prefix: string, path: string): boolean {
  return path === prefix || path.startsWith(`${prefix}.`);
}

/** Whether some document has an array at the path or above it. */
export function isMultikey(index: Index, path: string): boolean {
  return arraysAbove(index, path).length > 0;
}

function byNarrowness(a: Choice, b: Choice): number {
  return looseness(a.intervals) - looseness(b.intervals);
}

function looseness(intervals: Interval[]): number {
  if (isEverything(intervals)) return Infinity;
  return intervals.length + (intervals.every(({ point }) => point) ? 0 : MAX_RANGES);
}

function compound(index: Index, fields: Interval[][]): Omit<IndexBounds, 'fields'> {
  let prefixes: Buffer[] = [Buffer.alloc(0)];
  let equalities = 0;
  for (const [at, ascending] of fields.entries()) {
    const intervals = oriented(ascending, index.directions[at] === -1);
    const fits = prefixes.length * intervals.length <= MAX_RANGES;
    if (intervals.every(({ point }) => point) && (fits || at === 0)) {
      prefixes = prefixes.flatMap((prefix) => intervals.map(({ low }) => Buffer.concat([prefix, low])));
      equalities += 1;
      continue;
    }
    if (isEverything(ascending) || !fits) break;
    const ranges = prefixes.flatMap((prefix) => intervals.map((interval) => under(prefix, interval)));
    return { ranges, equalities, hasRange: true };
  }
  return { ranges: prefixes.map((prefix) => under(prefix, EVERYTHING)), equalities, hasRange: false };
}

function oriented(intervals: Interval[], inverted: boolean): Interval[] {
  return inverted ? intervals.map(descending).reverse() : intervals;
}

function under(prefix: Buffer, { low, high }: Interval): KeyRange {
  return {
    low: Buffer.concat([prefix, low]),
    high: high ? Buffer.concat([prefix, high]) : successor(prefix),
  };
}
