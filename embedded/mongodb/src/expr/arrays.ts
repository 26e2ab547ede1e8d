import {
  describe,
  expectArray,
  expectDocument,
  expectInt32,
  expectInteger,
  expectText,
} from '../bson/expect.js';
import { compare, equal, hashKey, type HashKey } from '../bson/keystring.js';
import { isNullish } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { accumulate, distinct } from './accumulators.js';
import { truthy, type OperatorCompiler, type OperatorTable, type Value } from './compiler.js';
import { variableName } from './logic.js';
import { inOrder, lax, MANY, named, namedOperands, strict } from './operands.js';

/** An accumulator used as expression: over its operands, or over the one operand that is an array. */
const spread = lax(0, MANY, (args, name) => {
  const [only] = args;
  return accumulate(name, args.length === 1 && Array.isArray(only) ? only : args) ?? null;
});

const arrays = (code: number) => (arg: BValue, name: string) => expectArray(arg, code, name);

/** Expressions over arrays, as lists and as sets. */
export const ARRAYS: OperatorTable = {
  $isArray: lax(1, 1, ([a]) => Array.isArray(a)),
  $size: lax(1, 1, ([a]) => expectArray(a, 17124, 'The argument to $size').length),
  $arrayElemAt: strict(2, 2, ([a, at], name) => expectArray(a, 28689, name).at(expectInt32(at, 28690, name))),
  $first: strict(1, 1, ([a], name) => expectArray(a, 28689, name)[0]),
  $last: strict(1, 1, ([a], name) => expectArray(a, 28689, name).at(-1)),
  $slice: strict(2, 3, ([array, first, count], name) => {
    const list = expectArray(array, 28724, name);
    const from = expectInt32(first, 28725, name);
    if (count === undefined) return slice(list, from);
    return slice(list, from, expectInteger(expectInt32(count, 28727, name), 28729, name, 1));
  }),
  $concatArrays: inOrder(arrays(28664), (args) => args.flat()),
  $in: lax(2, 2, ([value, array], name) =>
    expectArray(array, 40081, name).some((element) => equal(element, value)),
  ),
  $range: lax(2, 3, range),
  $reverseArray: strict(1, 1, ([a], name) => expectArray(a, 34435, name).toReversed()),
  $filter: overElements(28651, 'cond', (array, holds) => array.filter((element) => truthy(holds(element)))),
  $map: overElements(16883, 'in', (array, value) => array.map((element) => value(element) ?? null)),
  $reduce: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', 'initialValue', 'in']);
    const input = compiler.compile(args.get('input')!);
    const initial = compiler.compile(args.get('initialValue')!);
    const { compiler: inner, first } = compiler.bind(['this', 'value']);
    const body = inner.compile(args.get('in')!);
    return (scope) => {
      const array = input(scope);
      if (isNullish(array)) return null;
      return expectArray(array, 40080, name).reduce<Value>((value, element) => {
        scope.locals[first] = element;
        scope.locals[first + 1] = value;
        return body(scope);
      }, initial(scope));
    };
  },
  $allElementsTrue: lax(1, 1, ([a], name) => expectArray(a, 17040, name).every(truthy)),
  $anyElementTrue: lax(1, 1, ([a], name) => expectArray(a, 17041, name).some(truthy)),
  // MongoDB keeps these two sets in order.
  $setUnion: inOrder(arrays(17043), (args) => distinct(args.flat()).sort(compare)),
  $setIntersection: inOrder(arrays(17047), ([first = [], ...others]) => {
    const sets = others.map(keysOf);
    const shared = distinct(first).filter((value) => sets.every((set) => set.has(hashKey(value))));
    return shared.sort(compare);
  }),
  $setDifference: strict(2, 2, ([a, b], name) => {
    const values = distinct(expectArray(a, 17048, name));
    const remove = keysOf(expectArray(b, 17049, name));
    return values.filter((value) => !remove.has(hashKey(value)));
  }),
  $setIsSubset: lax(2, 2, ([a, b], name) => {
    const values = expectArray(a, 17046, name);
    const large = keysOf(expectArray(b, 17042, name));
    return values.every((value) => large.has(hashKey(value)));
  }),
  $sum: spread,
  $avg: spread,
  $min: spread,
  $max: spread,
};

/** `$filter` and `$map`: an expression for each element of `input`, which is called as `as` says. */
function overElements(
  code: number,
  body: 'cond' | 'in',
  apply: (array: BValue[], evaluate: (element: BValue) => Value) => Value,
): OperatorCompiler {
  return (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', body], ['as'], ['limit']);
    const as = args.has('as') ? expectText(args.get('as'), 'FailedToParse', `'as' of ${name}`) : 'this';
    const { compiler: inner, first } = compiler.bind([variableName(as)]);
    const expression = inner.compile(args.get(body)!);
    const input = compiler.compile(args.get('input')!);
    return (scope) => {
      const array = input(scope);
      if (isNullish(array)) return null;
      return apply(expectArray(array, code, `input of ${name}`), (element) => {
        scope.locals[first] = element;
        return expression(scope);
      });
    };
  };
}

const keysOf = (values: readonly BValue[]): Set<HashKey> => new Set(values.map(hashKey));

/** What MongoDB holds in the 100 MiB that it allows one range, at 16 bytes a value. */
const MAX_RANGE = (100 * 1024 * 1024) / 16;

function range([start, end, ...step]: Value[], name: string): Value {
  const from = expectInt32(start, 34443, name);
  const to = expectInt32(end, 34445, name);
  const by = step.length === 0 ? 1 : expectInt32(step[0], 34447, name);
  if (by === 0) throw new CommandError(34449, '$range requires a non-zero step value');
  const length = Math.max(0, Math.ceil((to - from) / by));
  if (length <= MAX_RANGE) return Array.from({ length }, (_, i) => from + i * by);
  throw new CommandError('ExceededMemoryLimit', `${name} makes at most ${MAX_RANGE} numbers, not ${length}`);
}

/** Expressions over documents. */
export const OBJECTS: OperatorTable = {
  $mergeObjects: spread,
  $objectToArray: strict(1, 1, ([value], name) => {
    const fields = expectDocument(value, 40390, name).entries();
    return fields.map(([k, v]) => BDoc.of(['k', k], ['v', v]));
  }),
  $arrayToObject: strict(1, 1, ([array], name) => {
    const doc = BDoc.of();
    const list = expectArray(array, 40386, name);
    for (const entry of list) doc.set(...fieldOf(entry, Array.isArray(list[0]), name));
    return doc;
  }),
  $setField: (operand, compiler, name) => {
    const field = operand instanceof BDoc ? operand.get('field') : undefined;
    if (typeof field === 'string' && field.startsWith('$'))
      throw new CommandError(4161108, `'${field}' is a path, use {$literal: '${field}'} as field of ${name}`);
    if (field instanceof BDoc && !field.has('$literal'))
      throw new CommandError(4161106, `${name} requires 'field' to evaluate to a constant`);
    return SET_FIELD(operand, compiler, name);
  },
};

const SET_FIELD = named(['field', 'input', 'value'], [], ({ field, input, value }, name) => {
  if (isNullish(input)) return null;
  const doc = expectDocument(input, 4161105, name).clone();
  const key = expectText(field, 4161107, `field of ${name}`);
  if (value === undefined) doc.delete(key);
  else doc.set(key, value);
  return doc;
});

/** The field that a `[k, v]` pair stands for, or a `{k, v}` document; all of an array must be of one kind. */
function fieldOf(entry: BValue, paired: boolean, name: string): [string, BValue] {
  const refused = (code: number): CommandError =>
    new CommandError(code, `${name} requires [k, v] pairs or {k, v} documents, got ${describe(entry)}`);
  const list = paired ? expectArray(entry, 40396, name) : expectDocument(entry, 40391, name).keys();
  if (list.length !== 2) throw refused(paired ? 40397 : 40392);
  const [key, value] = entry instanceof BDoc ? [entry.get('k'), entry.get('v')] : (list as BValue[]);
  if (key === undefined || value === undefined) throw refused(40393);
  return [expectText(key, paired ? 40395 : 40394, `a key of ${name}`), value];
}

/**
 * `$slice`. With one number: so many from the front, or from the back if it is negative. With two: `limit` elements
 * from `first`, which counts from the back if it is negative.
 */
export function slice(list: BValue[], first: number, limit?: number): BValue[] {
  if (limit === undefined) return first < 0 ? list.slice(first) : list.slice(0, first);
  const from = first < 0 ? Math.max(0, list.length + first) : first;
  return list.slice(from, from + limit);
}
