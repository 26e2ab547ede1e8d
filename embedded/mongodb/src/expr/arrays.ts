import { compare, equal } from '../bson/compare.js';
import { expectArray, expectInteger, expectText } from '../bson/expect.js';
import { hashKey, type HashKey } from '../bson/hash-key.js';
import { isNullish } from '../bson/type-of.js';
import type { BValue } from '../bson/values.js';
import { Sum } from '../bson/sum.js';
import { CommandError } from '../errors.js';
import { slice } from '../query/slice.js';
import { elementOrder } from '../query/sort.js';
import {
  truthy,
  type Compiler,
  type OperatorCompiler,
  type OperatorTable,
  type Scope,
  type Value,
} from './compiler.js';
import { variableName } from './logic.js';
import {
  anyBinary,
  anyUnary,
  anyVariadic,
  binary,
  named,
  namedOperands,
  unary,
  variadic,
} from './operands.js';

/** Expressions over arrays, as lists and as sets. */
export const ARRAYS: OperatorTable = {
  $isArray: anyUnary((a) => Array.isArray(a)),
  $size: anyUnary((a) => expectArray(a, 17124, 'The argument to $size').length),
  $arrayElemAt: binary((a, index, name) => expectArray(a, 28689, name).at(expectInteger(index, 28690, name))),
  $first: unary((a, name) => expectArray(a, 28689, name)[0]),
  $last: unary((a, name) => expectArray(a, 28689, name).at(-1)),
  $slice: variadic(sliceOf, 2, 3),
  $concatArrays: variadic((args, name) => args.flatMap((arg) => expectArray(arg, 28664, name))),
  $in: anyBinary((value, array, name) =>
    expectArray(array, 40081, name).some((element) => equal(element, value)),
  ),
  $indexOfArray: anyVariadic(indexOfArray, 2, 4),
  $range: variadic(range, 2, 3),
  $reverseArray: unary((a, name) => expectArray(a, 34435, name).toReversed()),
  $zip: named(['inputs'], ['useLongestLength', 'defaults'], zip),
  $sortArray: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', 'sortBy']);
    const order = elementOrder(args.get('sortBy')!);
    const input = compiler.compile(args.get('input')!);
    return (scope) => {
      const array = input(scope);
      return isNullish(array) ? null : expectArray(array, 2942504, name).toSorted(order);
    };
  },
  $filter: overElements(28651, ['cond'], ['as', 'limit'], (args, compiler) => {
    const limit = args.has('limit') ? compiler.compile(args.get('limit')!) : undefined;
    return ({ array, scope, evaluate }) => {
      const most = limit?.(scope);
      const count = isNullish(most) ? Infinity : expectInteger(most, 327392, 'limit of $filter', 1);
      const kept: BValue[] = [];
      for (let i = 0; i < array.length && kept.length < count; i++) {
        if (truthy(evaluate(array[i]!))) kept.push(array[i]!);
      }
      return kept;
    };
  }),
  $map: overElements(16883, ['in'], ['as'], () => ({ array, evaluate }) => {
    return array.map((element) => evaluate(element) ?? null);
  }),
  $reduce: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', 'initialValue', 'in']);
    const input = compiler.compile(args.get('input')!);
    const initial = compiler.compile(args.get('initialValue')!);
    const { compiler: inner, slots } = compiler.bind(['this', 'value']);
    const body = inner.compile(args.get('in')!);
    return (scope) => {
      const array = input(scope);
      if (isNullish(array)) return null;
      let value = initial(scope);
      for (const element of expectArray(array, 40080, name)) {
        scope.locals[slots[0]!] = element;
        scope.locals[slots[1]!] = value;
        value = body(scope);
      }
      return value;
    };
  },
  $allElementsTrue: anyUnary((a, name) => expectArray(a, 17040, name).every(truthy)),
  $anyElementTrue: anyUnary((a, name) => expectArray(a, 17041, name).some(truthy)),
  $setUnion: variadic((args, name) => distinct(args.flatMap((arg) => expectArray(arg, 17043, name)))),
  $setIntersection: variadic((args, name) => {
    const [first = [], ...others] = args.map((arg) => expectArray(arg, 17047, name));
    const sets = others.map(keysOf);
    return distinct(first).filter((value) => sets.every((set) => set.has(hashKey(value))));
  }),
  $setDifference: binary((a, b, name) => {
    const remove = keysOf(expectArray(b, 17049, name));
    return distinct(expectArray(a, 17048, name)).filter((value) => !remove.has(hashKey(value)));
  }),
  $setEquals: anyVariadic((args, name) => {
    const [first, ...others] = args.map((arg) => keysOf(expectArray(arg, 17044, name)));
    return others.every((set) => set.size === first!.size && [...set].every((key) => first!.has(key)));
  }, 2),
  $setIsSubset: anyBinary((a, b, name) => {
    const large = keysOf(expectArray(b, 17042, name));
    return expectArray(a, 17046, name).every((value) => large.has(hashKey(value)));
  }),
  $sum: spread((values) => summed(values).total()),
  $avg: spread((values) => summed(values).average()),
  $min: spread((values) => extreme(values, -1)),
  $max: spread((values) => extreme(values, 1)),
  $firstN: limited((list, n) => list.slice(0, n)),
  $lastN: limited((list, n) => list.slice(-n)),
  $minN: limited((list, n) => ordered(list).slice(0, n)),
  $maxN: limited((list, n) => ordered(list).toReversed().slice(0, n)),
};

interface Elements {
  readonly array: BValue[];
  readonly scope: Scope;
  /** The expression of the operator with its variable bound to an element. */
  evaluate(element: BValue): Value;
}

/** `$filter` and `$map`: the expression `body` for each element of `input`, which is called as `as` says. */
function overElements(
  code: number,
  [body]: [string],
  optional: string[],
  prepare: (args: Map<string, BValue>, compiler: Compiler) => (elements: Elements) => Value,
): OperatorCompiler {
  return (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', body], optional);
    const as = args.has('as') ? expectText(args.get('as'), 'FailedToParse', `'as' of ${name}`) : 'this';
    const { compiler: inner, slots } = compiler.bind([variableName(as)]);
    const expression = inner.compile(args.get(body)!);
    const input = compiler.compile(args.get('input')!);
    const apply = prepare(args, compiler);
    return (scope) => {
      const array = input(scope);
      if (isNullish(array)) return null;
      const evaluate = (element: BValue): Value => {
        scope.locals[slots[0]!] = element;
        return expression(scope);
      };
      return apply({ array: expectArray(array, code, `input of ${name}`), scope, evaluate });
    };
  };
}

const keysOf = (values: readonly BValue[]): Set<HashKey> => new Set(values.map(hashKey));

/** Without repetitions; of equal values the first one stays. */
export function distinct(values: readonly BValue[]): BValue[] {
  const byKey = new Map<HashKey, BValue>();
  for (const value of values) {
    const key = hashKey(value);
    if (!byKey.has(key)) byKey.set(key, value);
  }
  return [...byKey.values()];
}

/** An accumulator used as expression: over its operands, or over the one operand that is an array. */
function spread(apply: (values: readonly Value[]) => Value): OperatorCompiler {
  return anyVariadic((args) => apply(args.length === 1 && Array.isArray(args[0]) ? args[0] : args));
}

function summed(values: readonly Value[]): Sum {
  const sum = new Sum();
  for (const value of values) sum.add(value);
  return sum;
}

/** The first greatest (1) or least (-1) value; null and missing do not count. */
function extreme(values: readonly Value[], sign: 1 | -1): Value {
  let best: Value = null;
  for (const value of values) {
    if (!isNullish(value) && (best === null || compare(value, best) * sign > 0)) best = value;
  }
  return best;
}

const ordered = (values: readonly Value[]): BValue[] =>
  (values.filter((value) => !isNullish(value)) as BValue[]).sort(compare);

function limited(take: (list: BValue[], n: number) => BValue[]): OperatorCompiler {
  return named(['input', 'n'], [], ({ input, n }, name) =>
    take(expectArray(input, 5788200, name), expectInteger(n, 5787902, `n of ${name}`, 1)),
  );
}

function sliceOf([array, first, count]: BValue[], name: string): Value {
  const list = expectArray(array, 28724, name);
  const from = expectInteger(first, 28725, name);
  return slice(list, from, count === undefined ? undefined : expectInteger(count, 28729, name, 1));
}

function indexOfArray([array, value, start = 0, end]: Value[], name: string): Value {
  if (isNullish(array)) return null;
  const list = expectArray(array, 40090, name);
  const from = expectInteger(start, 40097, name, 0);
  const to = end === undefined ? list.length : expectInteger(end, 40097, name, 0);
  return list.findIndex((element, i) => i >= from && i < to && equal(element, value));
}

/** What MongoDB holds in the 100 MiB that it allows one range, at 16 bytes a value. */
const MAX_RANGE = (100 * 1024 * 1024) / 16;

function range([start, end, step = 1]: BValue[], name: string): Value {
  const from = expectInteger(start, 34443, name);
  const to = expectInteger(end, 34445, name);
  const by = expectInteger(step, 34447, name);
  if (by === 0) throw new CommandError(34449, '$range requires a non-zero step value');
  if ((to - from) / by > MAX_RANGE) {
    throw new CommandError(
      'ExceededMemoryLimit',
      `${name} would use too much memory: expected at most ${MAX_RANGE} numbers, got ${Math.ceil((to - from) / by)}`,
    );
  }
  const numbers: number[] = [];
  for (let n = from; by > 0 ? n < to : n > to; n += by) numbers.push(n);
  return numbers;
}

function zip({ inputs, useLongestLength, defaults }: Record<string, Value>, name: string): Value {
  if (isNullish(inputs)) return null;
  const lists = expectArray(inputs, 34461, name);
  if (lists.some(isNullish)) return null;
  const arrays = lists.map((list) => expectArray(list, 34468, name));
  const fill = isNullish(defaults) ? [] : expectArray(defaults, 34462, name);
  if (useLongestLength !== true && fill.length > 0) {
    throw new CommandError(34466, 'cannot specify defaults unless useLongestLength is true');
  }
  const lengths = arrays.map((array) => array.length);
  const length = lengths.length === 0 ? 0 : Math[useLongestLength === true ? 'max' : 'min'](...lengths);
  return Array.from({ length }, (_, row) =>
    arrays.map((array, column) => array[row] ?? fill[column] ?? null),
  );
}
