import { BDoc, type BValue } from '../bson/values.js';

export const NO_MATCH = -2;
/** A match in which no array took part. */
export const NO_ARRAY = -1;

/** Answers NO_MATCH, NO_ARRAY or the index, in the outermost array on the path, of the element that matched. */
export type PathTest = (doc: BDoc) => number;

type ValueTest = (value: BValue | undefined) => number;

/** Tests the value at a path, and if it is an array each of its elements. */
export function elementTest(path: string, predicate: (value: BValue | undefined) => boolean): PathTest {
  const one: ValueTest = (value) => (predicate(value) ? NO_ARRAY : NO_MATCH);
  const leaf: ValueTest = (value) => {
    if (!Array.isArray(value)) return predicate(value) ? NO_ARRAY : NO_MATCH;
    for (let i = 0; i < value.length; i++) {
      if (predicate(value[i])) return i;
    }
    return predicate(value) ? NO_ARRAY : NO_MATCH;
  };
  return compilePath(path, leaf, one);
}

/** Tests the array at a path as a whole; other values do not match. */
export function arrayTest(path: string, test: (array: readonly BValue[]) => number): PathTest {
  const whole: ValueTest = (value) => (Array.isArray(value) ? test(value) : NO_MATCH);
  return compilePath(path, whole, whole);
}

function compilePath(path: string, leaf: ValueTest, arrayElement: ValueTest): PathTest {
  if (!path.includes('.')) return (doc) => leaf(doc.get(path));
  const walk = new PathWalk(path.split('.'), leaf, arrayElement);
  return (doc) => walk.document(doc, 0);
}

class PathWalk {
  private readonly positions: number[];

  constructor(
    private readonly parts: readonly string[],
    private readonly leaf: ValueTest,
    /** For an element that the path names by its position: an array there is not unrolled. */
    private readonly arrayElement: ValueTest,
  ) {
    this.positions = parts.map((part) => (/^(0|[1-9]\d*)$/.test(part) ? Number(part) : -1));
  }

  document(doc: BDoc, at: number): number {
    const value = doc.get(this.parts[at]!);
    if (at === this.parts.length - 1) return this.leaf(value);
    if (value instanceof BDoc) return this.document(value, at + 1);
    if (Array.isArray(value)) return this.array(value, at + 1);
    return this.leaf(undefined);
  }

  /** Every document in the array is tried with the rest of the path, and so is the element that the path names. */
  private array(array: readonly BValue[], at: number): number {
    const named = this.positions[at]!;
    for (let i = 0; i < array.length; i++) {
      const element = array[i]!;
      if (element instanceof BDoc && this.document(element, at) !== NO_MATCH) return i;
      if (i === named && this.named(element, at) !== NO_MATCH) return i;
    }
    return NO_MATCH;
  }

  private named(element: BValue, at: number): number {
    if (at === this.parts.length - 1) return this.arrayElement(element);
    if (element instanceof BDoc) return this.document(element, at + 1);
    return Array.isArray(element) ? this.array(element, at + 1) : NO_MATCH;
  }
}
