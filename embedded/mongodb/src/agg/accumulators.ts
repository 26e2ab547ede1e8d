import { compare } from '../bson/compare.js';
import { hashKey } from '../bson/hash-key.js';
import { isNullish, typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { Value } from '../expr/compiler.js';
import type { EvalContext } from '../expr/context.js';
import { compileExpression } from '../expr/expression.js';
import { namedOperands } from '../expr/operands.js';
import { countOperand } from './count-operand.js';
import { insertSorted } from './insert-sorted.js';
import { ranked } from './ranked-accumulators.js';
import { Deviation, Sum } from '../bson/sum.js';

/** One accumulator of one group. */
export interface Accumulator {
  add(doc: BDoc): void;
  result(): Value;
}

/** Makes the accumulator of a new group. */
export type AccumulatorFactory = () => Accumulator;

/** Compiles `{$name: operand}` of a `$group` field. @throws CommandError 15952 for an unknown accumulator. */
export function compileAccumulator(name: string, operand: BValue, ctx: EvalContext): AccumulatorFactory {
  const factory = ranked(name, operand, ctx) ?? limited(name, operand, ctx) ?? simple(name, operand, ctx);
  if (factory) return factory;
  if (KNOWN.has(name)) throw unsupported(`the accumulator ${name}`);
  throw new CommandError(15952, `unknown group operator '${name}'`);
}

const KNOWN = new Set(['$accumulator', '$median', '$percentile']);

/** Collects values one by one. */
interface Collector {
  add(value: Value): void;
  result(): Value;
}

function simple(name: string, operand: BValue, ctx: EvalContext): AccumulatorFactory | null {
  if (name === '$count') {
    if (!(operand instanceof BDoc) || operand.size > 0) {
      throw new CommandError('TypeMismatch', '$count takes no arguments, i.e. $count:{}');
    }
    return () => counter();
  }
  const make = Object.hasOwn(COLLECTORS, name) ? COLLECTORS[name] : undefined;
  if (!make) return null;
  if (Array.isArray(operand) && operand.length !== 1) {
    throw new CommandError(40237, `The ${name} accumulator is a unary operator`);
  }
  return over(Array.isArray(operand) ? operand[0]! : operand, ctx, make);
}

function over(operand: BValue, ctx: EvalContext, make: () => Collector): AccumulatorFactory {
  const expression = compileExpression(operand, ctx);
  return () => {
    const collector = make();
    return { add: (doc) => collector.add(expression(doc)), result: () => collector.result() };
  };
}

function counter(): Accumulator {
  let count = 0;
  return { add: () => count++, result: () => count };
}

const COLLECTORS: Readonly<Record<string, () => Collector>> = {
  $sum: () => {
    const sum = new Sum();
    return { add: (value) => sum.add(value), result: () => sum.total() };
  },
  $avg: () => {
    const sum = new Sum();
    return { add: (value) => sum.add(value), result: () => sum.average() };
  },
  $min: () => extreme(-1),
  $max: () => extreme(1),
  $first: () => {
    let first: Value;
    let seen = false;
    return {
      add: (value) => {
        if (!seen) first = value;
        seen = true;
      },
      result: () => first,
    };
  },
  $last: () => {
    let last: Value;
    return { add: (value) => (last = value), result: () => last };
  },
  $push: () => {
    const values: BValue[] = [];
    return {
      add: (value) => {
        if (value !== undefined) values.push(value);
      },
      result: () => values,
    };
  },
  $addToSet: () => {
    const values = new Map<unknown, BValue>();
    return {
      add: (value) => {
        const key = hashKey(value);
        if (value !== undefined && !values.has(key)) values.set(key, value);
      },
      result: () => [...values.values()],
    };
  },
  $mergeObjects: () => {
    const merged = BDoc.of();
    return {
      add: (value) => {
        if (isNullish(value)) return;
        if (!(value instanceof BDoc)) {
          throw new CommandError(
            40400,
            `$mergeObjects requires object inputs, but input is of type ${typeName(value!)}`,
          );
        }
        for (const [name, field] of value.entries()) merged.set(name, field);
      },
      result: () => merged,
    };
  },
  $stdDevPop: () => {
    const deviation = new Deviation();
    return { add: (value) => deviation.add(value), result: () => deviation.result('population') };
  },
  $stdDevSamp: () => {
    const deviation = new Deviation();
    return { add: (value) => deviation.add(value), result: () => deviation.result('sample') };
  },
};

/** The greatest (1) or least (-1) value that is not null or missing. */
function extreme(sign: 1 | -1): Collector {
  let best: Value;
  return {
    add: (value) => {
      if (!isNullish(value) && (best === undefined || compare(value, best) * sign > 0)) best = value;
    },
    result: () => best,
  };
}

/** `$firstN`, `$lastN`, `$minN`, `$maxN`: `{input, n}`. */
function limited(name: string, operand: BValue, ctx: EvalContext): AccumulatorFactory | null {
  if (!['$firstN', '$lastN', '$minN', '$maxN'].includes(name)) return null;
  const operands = namedOperands(operand, name, ['input', 'n']);
  const n = countOperand(operands.get('n')!, name, ctx);
  return over(operands.get('input')!, ctx, () => {
    const values: BValue[] = [];
    return {
      add: (value) => {
        if (name === '$firstN') {
          if (values.length < n) values.push(value ?? null);
          return;
        }
        if (name === '$lastN') {
          values.push(value ?? null);
          if (values.length > n) values.shift();
          return;
        }
        if (isNullish(value)) return;
        insertSorted(values, value!, n, name === '$minN' ? compare : (a, b) => compare(b, a));
      },
      result: () => values,
    };
  });
}
