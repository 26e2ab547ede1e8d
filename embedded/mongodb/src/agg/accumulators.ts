import { compare } from '../bson/compare.js';
import { expectDocument, expectInteger, expectNames } from '../bson/expect.js';
import { hashKey, type HashKey } from '../bson/hash-key.js';
import { Deviation, Sum } from '../bson/sum.js';
import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { Value } from '../expr/compiler.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { mergeObjects } from '../expr/objects.js';
import { namedOperands } from '../expr/operands.js';
import { compileSort, type SortKey } from '../query/sort.js';

/** What one group collects, of documents or of the values of an expression. */
export interface Accumulator<T = BDoc> {
  add(item: T): unknown;
  result(): Value;
}

/** Makes the accumulator of a new group. */
export type AccumulatorFactory = () => Accumulator;

/** Compiles `{$name: operand}` of a `$group` field. @throws CommandError 15952 for an unknown accumulator. */
export function compileAccumulator(name: string, operand: BValue, ctx: EvalContext): AccumulatorFactory {
  if (/^\$(top|bottom)N?$/.test(name)) return ranked(name, operand, ctx);
  if (Object.hasOwn(LIMITED, name)) {
    const operands = namedOperands(operand, name, ['input', 'n']);
    const n = countOperand(operands.get('n')!, name);
    return over(operands.get('input')!, ctx, () => LIMITED[name]!(n));
  }
  if (name === '$count') {
    expectNames(expectDocument(operand, 'TypeMismatch', '$count'), [], 'TypeMismatch', '$count');
    return over(1, ctx, COLLECTORS.$sum!);
  }
  if (Object.hasOwn(COLLECTORS, name)) {
    const list = Array.isArray(operand) ? operand : [operand];
    if (list.length !== 1) throw new CommandError(40237, `The ${name} accumulator is a unary operator`);
    return over(list[0]!, ctx, COLLECTORS[name]!);
  }
  if (/^\$(accumulator|median|percentile)$/.test(name)) throw unsupported(`the accumulator ${name}`);
  throw new CommandError(15952, `unknown group operator '${name}'`);
}

function over(operand: BValue, ctx: EvalContext, make: () => Accumulator<Value>): AccumulatorFactory {
  const expression = compileExpression(operand, ctx);
  return () => {
    const collector = make();
    return { add: (doc) => collector.add(expression(doc)), result: () => collector.result() };
  };
}

/** Goes from one state to the next with each value. */
function folding<S extends Value>(start: S, next: (state: S, value: Value) => S): Accumulator<Value> {
  let state = start;
  return { add: (value) => (state = next(state, value)), result: () => state };
}

/** Keeps a list, whose first `n` in some order count. */
function listing(keep: (list: BValue[], value: Value) => void): Accumulator<Value> {
  const list: BValue[] = [];
  return { add: (value) => keep(list, value), result: () => list };
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
  $stdDevPop: () => {
    const deviation = new Deviation();
    return { add: (value) => deviation.add(value), result: () => deviation.result('population') };
  },
  $stdDevSamp: () => {
    const deviation = new Deviation();
    return { add: (value) => deviation.add(value), result: () => deviation.result('sample') };
  },
  $min: () => folding<Value>(undefined, (best, value) => (isBetter(value, best, -1) ? value : best)),
  $max: () => folding<Value>(undefined, (best, value) => (isBetter(value, best, 1) ? value : best)),
  // A missing value counts as null, so that the first document stays the first.
  $first: () => folding<Value>(undefined, (first, value) => (first === undefined ? (value ?? null) : first)),
  $last: () => folding<Value>(undefined, (_, value) => value),
  $push: () =>
    listing((list, value) => {
      if (value !== undefined) list.push(value);
    }),
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

function isBetter(value: Value, best: Value, sign: 1 | -1): boolean {
  return !isNullish(value) && (best === undefined || compare(value, best) * sign > 0);
}

/** `{input, n}`. */
const LIMITED: Readonly<Record<string, (n: number) => Accumulator<Value>>> = {
  $firstN: (n) =>
    listing((list, value) => {
      if (list.length < n) list.push(value ?? null);
    }),
  $lastN: (n) =>
    listing((list, value) => {
      if (list.push(value ?? null) > n) list.shift();
    }),
  $minN: (n) =>
    listing((list, value) => {
      if (!isNullish(value)) insertSorted(list, value!, n, compare);
    }),
  $maxN: (n) =>
    listing((list, value) => {
      if (!isNullish(value)) insertSorted(list, value!, n, (a, b) => compare(b, a));
    }),
};

/** Puts `item` behind its equals in a sorted list and cuts the list to `n`. */
function insertSorted<T>(list: T[], item: T, n: number, order: (a: T, b: T) => number): void {
  const at = list.findLastIndex((one) => order(one, item) <= 0) + 1;
  if (at >= n) return;
  list.splice(at, 0, item);
  if (list.length > n) list.pop();
}

/** The `n` of `$topN` and the like: a constant positive whole number. */
function countOperand(operand: BValue, name: string): number {
  if (operand instanceof BDoc || typeof operand === 'string') throw unsupported(`a computed n in ${name}`);
  return expectInteger(operand, 5787908, `n of ${name}`, 1);
}

interface Ranked {
  readonly key: SortKey;
  readonly output: BValue;
}

/** `$top`, `$bottom`, `$topN`, `$bottomN`. */
function ranked(name: string, operand: BValue, ctx: EvalContext): AccumulatorFactory {
  const many = name.endsWith('N');
  const operands = namedOperands(operand, name, many ? ['sortBy', 'output', 'n'] : ['sortBy', 'output']);
  const n = many ? countOperand(operands.get('n')!, name) : 1;
  const sort = compileSort(expectDocument(operands.get('sortBy'), 5788604, `sortBy of ${name}`));
  const output = compileExpression(operands.get('output')!, ctx);
  const top = name.startsWith('$top');
  // The bottom is kept upside down; of equals the later one is nearer to it.
  const order = (a: Ranked, b: Ranked): number =>
    top ? sort.compareKeys(a.key, b.key) : sort.compareKeys(b.key, a.key) || 1;
  return () => {
    const best: Ranked[] = [];
    return {
      add: (doc) => insertSorted(best, { key: sort.key(doc), output: output(doc) ?? null }, n, order),
      result: () => {
        const outputs = best.map((one) => one.output);
        return many ? (top ? outputs : outputs.reverse()) : outputs[0];
      },
    };
  };
}
