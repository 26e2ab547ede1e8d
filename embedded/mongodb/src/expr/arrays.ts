import { toSafeInteger } from '../bson/arithmetic.js';
import { equal } from '../bson/compare.js';
import { isNullish, isNumber, typeNameOrMissing } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { elementOrder } from '../query/sort.js';
import { slice as sliceList } from '../query/projection.js';
import { truthy, type OperatorTable, type Value } from './compiler.js';
import { variableName } from './logic.js';
import { binary, named, namedOperands, unary, variadic } from './operands.js';

/** Expressions over arrays. Where an input is null or missing the answer is null. */
export const ARRAYS: OperatorTable = {
  $isArray: unary((a) => Array.isArray(a)),
  $size: unary((a) => {
    if (Array.isArray(a)) return a.length;
    throw new CommandError(
      17124,
      `The argument to $size must be an array, but was of type: ${typeNameOrMissing(a)}`,
    );
  }),
  $arrayElemAt: binary((array, index, name) => {
    if (isNullish(array) || isNullish(index)) return null;
    return elementAt(arrayOperand(array, name, 28689), integerOperand(index, name, 28690));
  }),
  $first: unary((array, name) => (isNullish(array) ? null : arrayOperand(array, name, 28689)[0])),
  $last: unary((array, name) => (isNullish(array) ? null : arrayOperand(array, name, 28689).at(-1))),
  $slice: variadic(slice, 2, 3),
  $concatArrays: variadic((args, name) => {
    if (args.some(isNullish)) return null;
    return args.flatMap((arg) => arrayOperand(arg, name, 28664));
  }),
  $in: binary((value, array) => {
    const list = arrayOperand(array, '$in', 40081);
    return list.some((element) => equal(element, value));
  }),
  $indexOfArray: variadic(indexOfArray, 2, 4),
  $range: variadic(range, 2, 3),
  $reverseArray: unary((array, name) =>
    isNullish(array) ? null : arrayOperand(array, name, 34435).toReversed(),
  ),
  $zip: named(['inputs'], ['useLongestLength', 'defaults'], zip),
  $sortArray: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', 'sortBy']);
    const input = compiler.compile(args.get('input')!);
    const order = elementOrder(args.get('sortBy')!);
    return (scope) => {
      const array = input(scope);
      return isNullish(array) ? null : arrayOperand(array, name, 2942504).toSorted(order);
    };
  },
  $filter: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', 'cond'], ['as', 'limit']);
    const input = compiler.compile(args.get('input')!);
    const limit = args.has('limit') ? compiler.compile(args.get('limit')!) : undefined;
    const bound = compiler.bind([elementName(args.get('as'))]);
    const condition = bound.compiler.compile(args.get('cond')!);
    return (scope) => {
      const array = input(scope);
      if (isNullish(array)) return null;
      const most = filterLimit(limit?.(scope));
      const kept: BValue[] = [];
      for (const element of arrayOperand(array, name, 28651)) {
        if (kept.length === most) break;
        scope.locals[bound.slots[0]!] = element;
        if (truthy(condition(scope))) kept.push(element);
      }
      return kept;
    };
  },
  $map: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', 'in'], ['as']);
    const input = compiler.compile(args.get('input')!);
    const bound = compiler.bind([elementName(args.get('as'))]);
    const body = bound.compiler.compile(args.get('in')!);
    return (scope) => {
      const array = input(scope);
      if (isNullish(array)) return null;
      return arrayOperand(array, name, 16883).map((element) => {
        scope.locals[bound.slots[0]!] = element;
        return body(scope) ?? null;
      });
    };
  },
  $reduce: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', 'initialValue', 'in']);
    const input = compiler.compile(args.get('input')!);
    const initial = compiler.compile(args.get('initialValue')!);
    const bound = compiler.bind(['this', 'value']);
    const body = bound.compiler.compile(args.get('in')!);
    return (scope) => {
      const array = input(scope);
      if (isNullish(array)) return null;
      let value = initial(scope);
      for (const element of arrayOperand(array, name, 40080)) {
        scope.locals[bound.slots[0]!] = element;
        scope.locals[bound.slots[1]!] = value;
        value = body(scope);
      }
      return value;
    };
  },
  $allElementsTrue: unary((array, name) => arrayOperand(array, name, 17040).every(truthy)),
  $anyElementTrue: unary((array, name) => arrayOperand(array, name, 17041).some(truthy)),
};

/** The operand, which must be an array. */
export function arrayOperand(value: Value, name: string, code: number): BValue[] {
  if (Array.isArray(value)) return value;
  throw new CommandError(code, `${name} requires an array, but got ${typeNameOrMissing(value)}`);
}

/** The operand, which must be a whole number. */
export function integerOperand(value: Value, name: string, code: number): number {
  const integer = toSafeInteger(value);
  if (integer !== undefined) return integer;
  const what = isNumber(value) ? 'a number with a fraction' : typeNameOrMissing(value);
  throw new CommandError(code, `${name} requires a whole number, but got ${what}`);
}

function elementName(as: BValue | undefined): string {
  if (as === undefined) return 'this';
  if (typeof as === 'string') return variableName(as);
  throw new CommandError('FailedToParse', "'as' must be the name of a variable");
}

function elementAt(array: BValue[], index: number): Value {
  return array[index < 0 ? array.length + index : index];
}

function filterLimit(limit: Value): number {
  if (isNullish(limit)) return Infinity;
  const most = toSafeInteger(limit);
  if (most !== undefined && most > 0) return most;
  throw new CommandError(327392, '$filter: limit must be a positive whole number');
}

function slice(args: Value[], name: string): Value {
  const [array, first, count] = args;
  if (args.some(isNullish)) return null;
  const list = arrayOperand(array, name, 28724);
  const from = integerOperand(first, name, 28725);
  if (args.length === 2) return sliceList(list, from);
  const limit = integerOperand(count, name, 28727);
  if (limit <= 0) throw new CommandError(28729, `Third argument to $slice must be positive: ${limit}`);
  return sliceList(list, from, limit);
}

function indexOfArray([array, value, start, end]: Value[], name: string): Value {
  if (isNullish(array)) return null;
  const list = arrayOperand(array, name, 40090);
  const from = start === undefined ? 0 : indexOperand(start, name);
  const to = end === undefined ? list.length : Math.min(list.length, indexOperand(end, name));
  for (let i = from; i < to; i++) if (equal(list[i], value)) return i;
  return -1;
}

/** A start or end position, which must not be negative. */
export function indexOperand(value: Value, name: string): number {
  const index = integerOperand(value, name, 40096);
  if (index >= 0) return index;
  throw new CommandError(40097, `${name} requires a nonnegative start or end index, found: ${index}`);
}

function range([start, end, step]: Value[], name: string): Value {
  const from = integerOperand(start, name, 34443);
  const to = integerOperand(end, name, 34445);
  const by = step === undefined ? 1 : integerOperand(step, name, 34447);
  if (by === 0) throw new CommandError(34449, '$range requires a non-zero step value');
  const numbers: number[] = [];
  for (let n = from; by > 0 ? n < to : n > to; n += by) numbers.push(n);
  return numbers;
}

function zip({ inputs, useLongestLength, defaults }: Record<string, Value>): Value {
  if (isNullish(inputs)) return null;
  const lists = arrayOperand(inputs, '$zip', 34461);
  if (lists.some(isNullish)) return null;
  const arrays = lists.map((list) => arrayOperand(list, '$zip', 34468));
  const longest = useLongestLength === true;
  if (!longest && !isNullish(defaults)) {
    throw new CommandError(34466, 'cannot specify defaults unless useLongestLength is true');
  }
  const fill = isNullish(defaults) ? [] : arrayOperand(defaults, '$zip', 34462);
  if (fill.length > 0 && fill.length !== arrays.length) {
    throw new CommandError(34467, 'defaults and inputs must have the same length');
  }
  const lengths = arrays.map((array) => array.length);
  const length = lengths.length === 0 ? 0 : longest ? Math.max(...lengths) : Math.min(...lengths);
  return Array.from({ length }, (_, row) =>
    arrays.map((array, column) => array[row] ?? fill[column] ?? null),
  );
}

/** The fields of `{input, ...}` that are documents, checked. */
export function documentOperand(value: Value, name: string, code: number): BDoc {
  if (value instanceof BDoc) return value;
  throw new CommandError(code, `${name} requires a document, but got ${typeNameOrMissing(value)}`);
}
