import { compare } from '../bson/compare.js';
import { isNullish } from '../bson/type-of.js';
import type { BValue } from '../bson/values.js';
import { Deviation, Sum } from '../bson/sum.js';
import { CommandError } from '../errors.js';
import { arrayOperand, integerOperand } from './arrays.js';
import type { OperatorTable, Value } from './compiler.js';
import { named, variadic } from './operands.js';

/** Accumulators used as expressions: over their operands, or over the one operand that is an array. */
export const ACCUMULATE: OperatorTable = {
  $sum: variadic((args) => {
    const sum = new Sum();
    for (const value of spread(args)) sum.add(value);
    return sum.total();
  }),
  $avg: variadic((args) => {
    const sum = new Sum();
    for (const value of spread(args)) sum.add(value);
    return sum.average();
  }),
  $min: variadic((args) => extreme(spread(args), -1)),
  $max: variadic((args) => extreme(spread(args), 1)),
  $stdDevPop: variadic((args) => deviation(args).result('population')),
  $stdDevSamp: variadic((args) => deviation(args).result('sample')),
  $firstN: limited((list, n) => list.slice(0, n)),
  $lastN: limited((list, n) => list.slice(-n)),
  $minN: limited((list, n) => ordered(list).slice(0, n)),
  $maxN: limited((list, n) => ordered(list).toReversed().slice(0, n)),
};

function spread(args: Value[]): readonly Value[] {
  return args.length === 1 && Array.isArray(args[0]) ? args[0] : args;
}

function extreme(values: readonly Value[], sign: 1 | -1): Value {
  let best: Value = null;
  for (const value of values) {
    if (!isNullish(value) && (best === null || compare(value, best) * sign > 0)) best = value;
  }
  return best;
}

function deviation(args: Value[]): Deviation {
  const result = new Deviation();
  for (const value of spread(args)) result.add(value);
  return result;
}

const ordered = (list: BValue[]): BValue[] => list.filter((value) => !isNullish(value)).sort(compare);

function limited(take: (list: BValue[], n: number) => BValue[]): OperatorTable[string] {
  return named(['input', 'n'], [], ({ input, n }, name) => {
    const list = arrayOperand(input, name, 5788200);
    const count = integerOperand(n, name, 5787902);
    if (count <= 0) throw new CommandError(5787908, `'n' must be greater than 0, found ${count}`);
    return take(list, count);
  });
}
