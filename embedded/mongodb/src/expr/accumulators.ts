import { Sum } from '../bson/arithmetic.js';
import { expectDocument } from '../bson/expect.js';
import { compare, hashKey, type HashKey } from '../bson/keystring.js';
import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { Value } from './compiler.js';

/** What `$group` collects for one field of a group, and what `$sum` and the like collect from a list. */
export interface Accumulator {
  add(value: Value): void;
  result(): Value;
}

/** Makes an empty accumulator. */
export const ACCUMULATORS: Readonly<Record<string, () => Accumulator>> = {
  $sum: () => summing((sum) => sum.total()),
  $avg: () => summing((sum) => sum.average()),
  $min: () => folding((best, value) => better(best, value, -1)),
  $max: () => folding((best, value) => better(best, value, 1)),
  // A missing value counts as null, so that the first document stays the first.
  $first: () => folding((first, value) => (first === undefined ? (value ?? null) : first)),
  $last: () => folding((_, value) => value),
  $push: () => {
    const list: BValue[] = [];
    return { add: (value) => void (value !== undefined && list.push(value)), result: () => list };
  },
  $addToSet: () => {
    const values = new Map<HashKey, BValue>();
    return {
      add: (value) => {
        const key = hashKey(value);
        if (value !== undefined && !values.has(key)) values.set(key, value);
      },
      result: () => [...values.values()],
    };
  },
  // The fields of all documents; of those with one name the last. Null and missing add nothing.
  $mergeObjects: () => {
    const merged = BDoc.of();
    return {
      add: (value) => {
        if (isNullish(value)) return;
        for (const [name, field] of expectDocument(value, 40400, '$mergeObjects').entries())
          merged.set(name, field);
      },
      result: () => merged,
    };
  },
};

function summing(result: (sum: Sum) => Value): Accumulator {
  const sum = new Sum();
  return { add: (value) => sum.add(value), result: () => result(sum) };
}

/** Goes from one state to the next with each value. */
function folding(next: (state: Value, value: Value) => Value): Accumulator {
  let state: Value;
  return { add: (value) => void (state = next(state, value)), result: () => state };
}

/** The greater (1) or lesser (-1) of two values, the first of equals; null and missing do not count. */
function better(best: Value, value: Value, sign: 1 | -1): Value {
  return !isNullish(value) && (best === undefined || compare(value, best) * sign > 0) ? value : best;
}

/** What an accumulator makes of a list. */
export function accumulate(name: string, values: readonly Value[]): Value {
  const accumulator = ACCUMULATORS[name]!();
  for (const value of values) accumulator.add(value);
  return accumulator.result();
}

/** Without repetitions; of equal values the first one stays. */
export const distinct = (values: readonly BValue[]): BValue[] => accumulate('$addToSet', values) as BValue[];
