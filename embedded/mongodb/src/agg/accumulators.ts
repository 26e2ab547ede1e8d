import { expectDocument, expectNames } from '../bson/expect.js';
import { hashKey, type HashKey } from '../bson/keystring.js';
import { Sum } from '../bson/sum.js';
import type { BDoc, BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { better } from '../expr/arrays.js';
import type { Value } from '../expr/compiler.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { mergeObjects } from '../expr/objects.js';

/** What one group collects, of documents or of the values of an expression. */
export interface Accumulator<T = BDoc> {
  add(item: T): unknown;
  result(): Value;
}

/** Makes the accumulator of a new group. */
export type AccumulatorFactory = () => Accumulator;

/** Compiles `{$name: operand}` of a `$group` field. @throws CommandError 15952 for an unknown accumulator. */
export function compileAccumulator(name: string, operand: BValue, ctx: EvalContext): AccumulatorFactory {
  if (name === '$count') {
    expectNames(expectDocument(operand, 'TypeMismatch', '$count'), [], 'TypeMismatch', '$count');
    return compileAccumulator('$sum', 1, ctx);
  }
  if (NOT_HERE.test(name)) throw unsupported(`the accumulator ${name}`);
  if (!Object.hasOwn(COLLECTORS, name)) throw new CommandError(15952, `unknown group operator '${name}'`);
  const list = Array.isArray(operand) ? operand : [operand];
  if (list.length !== 1) throw new CommandError(40237, `The ${name} accumulator is a unary operator`);
  const expression = compileExpression(list[0]!, ctx);
  return () => {
    const collector = COLLECTORS[name]!();
    return { add: (doc) => collector.add(expression(doc)), result: () => collector.result() };
  };
}

const NOT_HERE = /^\$(accumulator|median|percentile|stdDev(Pop|Samp)|(top|bottom)N?|(first|last|min|max)N)$/;

/** Goes from one state to the next with each value. */
function folding(next: (state: Value, value: Value) => Value): Accumulator<Value> {
  let state: Value;
  return { add: (value) => (state = next(state, value)), result: () => state };
}

const COLLECTORS: Readonly<Record<string, () => Accumulator<Value>>> = {
  $sum: () => {
    const sum = new Sum();
    return { add: (value) => sum.add(value), result: () => sum.total() };
  },
  $avg: () => {
    const sum = new Sum();
    return { add: (value) => sum.add(value), result: () => sum.average() };
  },
  $min: () => folding((best, value) => better(best, value, -1)),
  $max: () => folding((best, value) => better(best, value, 1)),
  // A missing value counts as null, so that the first document stays the first.
  $first: () => folding((first, value) => (first === undefined ? (value ?? null) : first)),
  $last: () => folding((_, value) => value),
  $push: () => {
    const list: BValue[] = [];
    return { add: (value) => value !== undefined && list.push(value), result: () => list };
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
  $mergeObjects: () => {
    const docs: Value[] = [];
    return { add: (value) => docs.push(value), result: () => mergeObjects(docs, '$mergeObjects') };
  },
};
