import { asNumber } from '../bson/arithmetic.js';
import { keyString } from '../bson/keystring.js';
import { isNumber, typeName } from '../bson/type-of.js';
import type { BValue } from '../bson/values.js';

/** Values of one index field: a half-open range `[low, high)` of ascending KeyString bytes; `high` null means no end. */
export interface Interval {
  low: Buffer;
  high: Buffer | null;
  /** Exactly one value. */
  point: boolean;
}

const EMPTY = Buffer.alloc(0);

export const EVERYTHING: Interval = { low: EMPTY, high: null, point: false };

export function isEverything(intervals: Interval[]): boolean {
  return intervals.length === 1 && intervals[0]?.low.length === 0 && intervals[0].high === null;
}

const UNDEFINED_KEY = keyString([undefined]);

/** The key that only an empty array and the deprecated `undefined` have. */
export const isUndefined = ({ low, point }: Interval): boolean => point && low.equals(UNDEFINED_KEY);

/** Values that compare equal to `value`. */
export function pointOf(value: BValue | undefined): Interval {
  const low = keyString([value]);
  return { low, high: successor(low), point: true };
}

export type RangeOperator = '$gt' | '$gte' | '$lt' | '$lte';

/** What a range operator can match. It never leaves the BSON type of its operand. */
export function rangeOf(operator: RangeOperator, value: BValue): Interval {
  if (isUnordered(value)) return EVERYTHING;
  const key = keyString([value]);
  const type = key.subarray(0, 1);
  // NaN stands below all numbers, and no range of numbers holds it.
  const bottom = isNumber(value) ? LEAST_NUMBER : type;
  // MaxKey alone has no key behind it, and it is unordered.
  const behind = successor(key)!;
  switch (operator) {
    case '$gt':
      return { low: behind, high: successor(type), point: false };
    case '$gte':
      return { low: key, high: successor(type), point: false };
    case '$lt':
      return { low: bottom, high: key, point: false };
    case '$lte':
      return { low: bottom, high: behind, point: false };
  }
}

const LEAST_NUMBER = keyString([-Infinity]);

/** Bounds by type do not work for these: MinKey and MaxKey compare with all types, NaN only with itself. */
export function isUnordered(value: BValue): boolean {
  const type = typeName(value);
  return type === 'minKey' || type === 'maxKey' || (isNumber(value) && Number.isNaN(asNumber(value)));
}

/** Strings that start with `prefix`. */
export function prefixOf(prefix: string): Interval {
  const low = keyString([prefix]).subarray(0, -2);
  return { low, high: successor(low), point: false };
}

/** Sorted, without overlaps. */
export function union(intervals: Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const one of intervals.sort((a, b) => Buffer.compare(a.low, b.low))) {
    const last = merged.at(-1);
    if (!last || (last.high && Buffer.compare(last.high, one.low) <= 0)) merged.push(one);
    else if (endsBefore(last.high, one.high))
      merged[merged.length - 1] = { ...last, high: one.high, point: false };
  }
  return merged;
}

/** What lies in both lists of sorted intervals. */
export function intersection(a: Interval[], b: Interval[]): Interval[] {
  return a.flatMap((one) =>
    b.flatMap((other) => {
      const { low } = Buffer.compare(one.low, other.low) >= 0 ? one : other;
      const { high } = endsBefore(one.high, other.high) ? one : other;
      if (high && Buffer.compare(low, high) >= 0) return [];
      return [{ low, high, point: one.point || other.point }];
    }),
  );
}

/** Whether every value of `inner` lies in `outer`. */
export function within(inner: Interval[], outer: Interval[]): boolean {
  return inner.every((one) =>
    outer.some((other) => Buffer.compare(other.low, one.low) <= 0 && !endsBefore(other.high, one.high)),
  );
}

function endsBefore(a: Buffer | null, b: Buffer | null): boolean {
  return a !== null && (b === null || Buffer.compare(a, b) < 0);
}

/** The same values in a descending field, whose bytes are inverted. */
export function descending({ low, high, point }: Interval): Interval {
  const start = invert(low);
  if (point) return { low: start, high: successor(start), point };
  const end = high ? successor(invert(high)) : null;
  return { low: end ?? EMPTY, high: low.length > 0 ? successor(start) : null, point };
}

/** The smallest byte string above all that start with `bytes`; null if there is none. */
export function successor(bytes: Buffer): Buffer | null {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end -= 1;
  if (end === 0) return null;
  const next = Buffer.from(bytes.subarray(0, end));
  next[end - 1]! += 1;
  return next;
}

function invert(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => ~byte & 0xff));
}
