import { keyString } from '../bson/keystring.js';
import { isNumber, typeName } from '../bson/type-of.js';
import type { BValue } from '../bson/values.js';

/**
 * A half-open range `[low, high)` over the KeyString bytes of one index component in ascending order; `high` null
 * means no end. A point holds exactly one value.
 */
export interface Interval {
  low: Buffer;
  high: Buffer | null;
  point: boolean;
  /** The same ends as values, for explain only. */
  ends: readonly [End, End];
}

/** One end of an interval; without a value it is the end of the type or of the index. */
export interface End {
  value?: BValue | undefined;
  closed: boolean;
}

const OPEN: End = { closed: false };

const EMPTY = Buffer.alloc(0);

export const EVERYTHING: Interval = { low: EMPTY, high: null, point: false, ends: [OPEN, OPEN] };

/** Values that compare equal to `value`. */
export function pointOf(value: BValue | undefined): Interval {
  const low = keyString([value]);
  const end = { value: value ?? null, closed: true };
  return { low, high: successor(low), point: true, ends: [end, end] };
}

export type RangeOperator = '$gt' | '$gte' | '$lt' | '$lte';

/** What a range operator can match. It never leaves the BSON type of its operand. */
export function rangeOf(operator: RangeOperator, value: BValue): Interval {
  if (unordered(value)) return EVERYTHING;
  const key = keyString([value]);
  const type = key.subarray(0, 1);
  const behind = successor(key);
  switch (operator) {
    case '$gt':
      return {
        low: behind ?? key,
        high: successor(type),
        point: false,
        ends: [{ value, closed: false }, OPEN],
      };
    case '$gte':
      return { low: key, high: successor(type), point: false, ends: [{ value, closed: true }, OPEN] };
    case '$lt':
      return { low: type, high: key, point: false, ends: [OPEN, { value, closed: false }] };
    case '$lte':
      return { low: type, high: behind, point: false, ends: [OPEN, { value, closed: true }] };
  }
}

/** Bounds by type do not work for these: MinKey and MaxKey compare with all types, NaN only with itself. */
function unordered(value: BValue): boolean {
  const type = typeName(value);
  return type === 'minKey' || type === 'maxKey' || (isNumber(value) && String(value) === 'NaN');
}

/** Strings that start with `prefix`. */
export function prefixOf(prefix: string): Interval {
  const terminated = keyString([prefix]);
  const low = terminated.subarray(0, terminated.length - 2);
  return { low, high: successor(low), point: false, ends: [{ value: prefix, closed: true }, OPEN] };
}

/** Sorted, without overlaps. */
export function union(intervals: Interval[]): Interval[] {
  const sorted = [...intervals].sort((a, b) => Buffer.compare(a.low, b.low));
  const merged: Interval[] = [];
  for (const interval of sorted) {
    const last = merged.at(-1);
    if (!last || (last.high && Buffer.compare(last.high, interval.low) <= 0)) merged.push(interval);
    else if (last.high && (!interval.high || Buffer.compare(interval.high, last.high) > 0)) {
      const ends = [last.ends[0], interval.ends[1]] as const;
      merged[merged.length - 1] = { low: last.low, high: interval.high, point: false, ends };
    }
  }
  return merged;
}

/** What lies in both lists of sorted intervals. */
export function intersection(a: Interval[], b: Interval[]): Interval[] {
  const common: Interval[] = [];
  for (const one of a) {
    for (const other of b) {
      const lows = Buffer.compare(one.low, other.low) >= 0 ? one : other;
      const highs = lower(one.high, other.high) === one.high ? one : other;
      if (highs.high && Buffer.compare(lows.low, highs.high) >= 0) continue;
      const ends = [lows.ends[0], highs.ends[1]] as const;
      common.push({ low: lows.low, high: highs.high, point: one.point || other.point, ends });
    }
  }
  return common;
}

/** Whether every value of `inner` lies in `outer`. */
export function within(inner: Interval[], outer: Interval[]): boolean {
  return inner.every((one) =>
    outer.some(
      (other) =>
        Buffer.compare(other.low, one.low) <= 0 &&
        (other.high === null || (one.high !== null && Buffer.compare(one.high, other.high) <= 0)),
    ),
  );
}

export function isEverything(intervals: Interval[]): boolean {
  return intervals.length === 1 && intervals[0]?.low.length === 0 && intervals[0].high === null;
}

/** The same set of values in a descending component, whose bytes are inverted. */
export function descending({ low, high, point, ends }: Interval): Interval {
  if (point) {
    const inverted = invert(low);
    return { low: inverted, high: successor(inverted), point, ends };
  }
  return {
    low: high ? (successor(invert(high)) ?? EMPTY) : EMPTY,
    high: low.length ? successor(invert(low)) : null,
    point,
    ends: [ends[1], ends[0]],
  };
}

/** The smallest byte string above all that start with `bytes`; null if there is none. */
export function successor(bytes: Buffer): Buffer | null {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end -= 1;
  if (end === 0) return null;
  const next = Buffer.from(bytes.subarray(0, end));
  next[end - 1] = (next[end - 1] as number) + 1;
  return next;
}

function lower(a: Buffer | null, b: Buffer | null): Buffer | null {
  if (!a || !b) return a ?? b;
  return Buffer.compare(a, b) <= 0 ? a : b;
}

function invert(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => ~byte & 0xff));
}
