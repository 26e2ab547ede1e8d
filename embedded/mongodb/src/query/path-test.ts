import { BDoc, type BValue } from '../bson/values.js';

/** Whether a part of a path may name an array element by its position. */
export const isPosition = (part: string): boolean => /^(0|[1-9]\d*)$/.test(part);

export const NO_MATCH = -2;
/** A match in which no array took part. */
export const NO_ARRAY = -1;

/** Answers NO_MATCH, NO_ARRAY or the index, in the outermost array on the way, of the element that matched. */
export type Test<T> = (subject: T) => number;

/** Where an operator is applied. */
export interface Target<T> {
  /** Tests the value there and, if it is an array, also each of its elements. */
  each(predicate: (value: BValue | undefined) => boolean): Test<T>;
  /** Tests an array there as a whole; other values do not match. */
  array(test: (array: readonly BValue[]) => number): Test<T>;
}

/** One value as it is: an array is not unrolled. */
export const ONE_VALUE: Target<BValue> = {
  each: (predicate) => (value) => (predicate(value) ? NO_ARRAY : NO_MATCH),
  array: (test) => (value) => (Array.isArray(value) ? test(value) : NO_MATCH),
};

/** The values at a dotted path of a document. */
export function atPath(path: string): Target<BDoc> {
  return {
    each: (predicate) =>
      alongPath(
        path,
        (value) => {
          if (!Array.isArray(value)) return predicate(value) ? NO_ARRAY : NO_MATCH;
          const at = value.findIndex(predicate);
          return at >= 0 ? at : predicate(value) ? NO_ARRAY : NO_MATCH;
        },
        (value) => (predicate(value) ? NO_ARRAY : NO_MATCH),
      ),
    array: (test) => {
      const whole = (value: BValue | undefined): number => (Array.isArray(value) ? test(value) : NO_MATCH);
      return alongPath(path, whole, whole);
    },
  };
}

/**
 * Applies `leaf` to what stands at the path. On arrays every document is tried with the rest of the path, and so is the
 * element that the path names by its position; `named` is for such an element at the end, which is not unrolled.
 */
function alongPath(
  path: string,
  leaf: Test<BValue | undefined>,
  named: Test<BValue | undefined>,
): Test<BDoc> {
  if (!path.includes('.')) return (doc) => leaf(doc.get(path));
  const parts = path.split('.');
  const last = parts.length - 1;

  function inDocument(doc: BDoc, at: number): number {
    const value = doc.get(parts[at]!);
    if (at === last) return leaf(value);
    if (value instanceof BDoc) return inDocument(value, at + 1);
    return Array.isArray(value) ? inArray(value, at + 1) : leaf(undefined);
  }
  function inArray(array: readonly BValue[], at: number): number {
    for (let i = 0; i < array.length; i++) {
      const element = array[i]!;
      if (element instanceof BDoc && inDocument(element, at) !== NO_MATCH) return i;
      if (String(i) === parts[at] && atPosition(element, at) !== NO_MATCH) return i;
    }
    return NO_MATCH;
  }
  function atPosition(element: BValue, at: number): number {
    if (at === last) return named(element);
    if (element instanceof BDoc) return inDocument(element, at + 1);
    return Array.isArray(element) ? inArray(element, at + 1) : NO_MATCH;
  }
  return (doc) => inDocument(doc, 0);
}
