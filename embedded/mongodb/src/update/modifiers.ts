import { BSONRegExp, Timestamp } from 'bson';
import { addExact, multiply, multiplyExact } from '../bson/arithmetic.js';
import {
  describe,
  expectArray,
  expectDocument,
  expectInteger,
  expectNames,
  expectText,
} from '../bson/expect.js';
import { compare, equal, hashKey, identical } from '../bson/keystring.js';
import { isInt, isNumber, typeName, type NumericValue } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, badValue, failedToParse } from '../errors.js';
import type { EvalContext } from '../expr/compiler.js';
import { compileElementFilter, compileFilter, isElementTest } from '../query/matcher.js';
import { elementOrder, fieldAt } from '../query/sort.js';
import {
  isDynamic,
  updatePath,
  valueAtPath,
  type Modifier,
  type PathChange,
  type UpdateState,
} from './path-changes.js';

const mismatch = (message: string): CommandError => new CommandError('TypeMismatch', message);

/** Makes the modifier of one operator for one path. */
type ModifierFactory = (argument: BValue, ctx: EvalContext, operator: string) => Modifier;

export const MODIFIERS: Readonly<Record<string, ModifierFactory>> = {
  $set: (argument) => (current) => unlessSame(current, argument),
  $setOnInsert: (argument) => (current, _path, state) =>
    state.inserting ? unlessSame(current, argument) : current,
  $unset: () => () => undefined,
  $inc: arithmetic((amount) => amount, addExact),
  $mul: arithmetic((factor) => multiply(factor, 0), multiplyExact),
  $min: (argument) => (current) =>
    current === undefined || compare(argument, current) < 0 ? argument : current,
  $max: (argument) => (current) =>
    current === undefined || compare(argument, current) > 0 ? argument : current,
  $currentDate: (argument, ctx) => {
    const now = currentDate(argument, ctx);
    return () => now;
  },
  $bit: bitwise,
  $push: push,
  $addToSet: (argument) => {
    const values = valuesToAdd(argument);
    return onArray('BadValue', (current) => {
      const seen = new Set((current ?? []).map(hashKey));
      // `add` before the test, so that a value that comes twice is added once.
      const added = values.filter((value) => !seen.has(hashKey(value)) && seen.add(hashKey(value)));
      return current && added.length === 0 ? current : [...(current ?? []), ...added];
    });
  },
  $pop: (argument) => {
    const end = expectInteger(argument, 'FailedToParse', '$pop');
    if (Math.abs(end) !== 1) throw failedToParse(`$pop expects 1 or -1, found: ${end}`);
    return onArray('TypeMismatch', (current) => {
      if (!current || current.length === 0) return current;
      return end === 1 ? current.slice(0, -1) : current.slice(1);
    });
  },
  $pull: (argument, ctx) => without(pullCondition(argument, ctx)),
  $pullAll: (argument) => {
    const keys = new Set(expectArray(argument, 'BadValue', '$pullAll').map(hashKey));
    return without((element) => keys.has(hashKey(element)));
  },
};

function unlessSame(current: BValue | undefined, next: BValue): BValue {
  return current !== undefined && identical(current, next) ? current : next;
}

/** For messages: which field of which document. */
function fieldText(path: string, current: BValue, state: UpdateState): string {
  return `${typeName(current)} field '${path}' of the document {_id: ${describe(state.original.get('_id'))}}`;
}

function arithmetic(
  ofMissing: (argument: NumericValue) => NumericValue,
  apply: (a: NumericValue, b: NumericValue) => NumericValue | undefined,
): ModifierFactory {
  return (argument, _ctx, operator) => {
    if (!isNumber(argument)) throw mismatch(`Cannot ${operator} with non-numeric ${describe(argument)}`);
    return (current, path, state) => {
      if (current === undefined) return ofMissing(argument);
      const field = (): string => fieldText(path, current, state);
      if (!isNumber(current)) throw mismatch(`Cannot apply ${operator} to the ${field()}`);
      const result = apply(current, argument);
      if (result === undefined) throw badValue(`${operator} overflows the ${field()}`);
      return unlessSame(current, result);
    };
  };
}

function currentDate(argument: BValue, ctx: EvalContext): Date | Timestamp {
  if (typeof argument === 'boolean') return ctx.now;
  const options = expectDocument(argument, 'BadValue', 'the operand of $currentDate, if not true,');
  expectNames(options, ['$type'], 'BadValue', '$currentDate');
  const type = options.get('$type');
  if (type === 'date') return ctx.now;
  if (type !== 'timestamp')
    throw badValue("The '$type' of $currentDate is required to be 'date' or 'timestamp'");
  return new Timestamp({ t: Math.floor(ctx.now.getTime() / 1000), i: 1 });
}

const BIT_OPERATIONS: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

function bitwise(argument: BValue): Modifier {
  const operands = expectDocument(argument, 'BadValue', 'the operand of $bit');
  if (operands.size === 0)
    throw badValue('$bit needs at least one operation: {$bit: {field: {and/or/xor: #}}');
  expectNames(operands, Object.keys(BIT_OPERATIONS), 'BadValue', '$bit');
  const steps = operands.entries().map(([name, operand]) => {
    if (!isIntegral(operand)) throw badValue(`$bit needs integers, got ${describe(operand)}`);
    return { operation: BIT_OPERATIONS[name]!, operand };
  });
  return (current, path, state) => {
    if (current !== undefined && !isIntegral(current))
      throw badValue(`Cannot apply $bit to the ${fieldText(path, current, state)}`);
    const start = BigInt(current ?? 0);
    const bits = steps.reduce((value, { operation, operand }) => operation(value, BigInt(operand)), start);
    const long = typeof current === 'bigint' || steps.some(({ operand }) => typeof operand === 'bigint');
    return unlessSame(current, long ? bits : Number(bits));
  };
}

const isIntegral = (value: BValue): value is number | bigint => typeof value === 'bigint' || isInt(value);

/** A modifier of an array; a missing field is `undefined`. */
function onArray(
  code: 'BadValue' | 'TypeMismatch',
  change: (current: BValue[] | undefined) => BValue[] | undefined,
): Modifier {
  return (current, path, state) => {
    if (current === undefined) valueAtPath(state.original, path.split('.'));
    if (current === undefined || Array.isArray(current)) return change(current);
    throw new CommandError(code, `An array is needed, but found the ${fieldText(path, current, state)}`);
  };
}

function without(matches: (element: BValue) => boolean): Modifier {
  return onArray('BadValue', (current) => {
    const kept = current?.filter((element) => !matches(element));
    return kept?.length === current?.length ? current : kept;
  });
}

/** `$push`: insert at the position, then sort, then cut. */
function push(argument: BValue): Modifier {
  const clauses =
    argument instanceof BDoc && argument.has('$each') ? argument : BDoc.of(['$each', [argument]]);
  expectNames(clauses, ['$each', '$position', '$slice', '$sort'], 'BadValue', '$push');
  const each = expectArray(clauses.get('$each'), 'BadValue', 'The argument to $each in $push');
  const wholeNumber = (name: string): number | undefined =>
    clauses.has(name) ? expectInteger(clauses.get(name), 'BadValue', `${name} in $push`) : undefined;
  const position = wholeNumber('$position');
  const slice = wholeNumber('$slice');
  const order = clauses.has('$sort') ? elementOrder(clauses.get('$sort')!) : undefined;
  return onArray('BadValue', (current) => {
    let next = [...(current ?? [])];
    const at = position ?? next.length;
    next = [...next.slice(0, at), ...each, ...next.slice(at)];
    if (order) next.sort(order);
    if (slice !== undefined) next = slice < 0 ? next.slice(slice) : next.slice(0, slice);
    // As in MongoDB a sort changes the array even if the order stays, and so does an element that is cut off again.
    const untouched = current?.length === next.length && each.length === 0 && (!order || next.length === 0);
    return untouched ? current : next;
  });
}

function valuesToAdd(argument: BValue): BValue[] {
  if (!(argument instanceof BDoc) || argument.keys()[0] !== '$each') return [argument];
  expectNames(argument, ['$each'], 'BadValue', '$addToSet');
  return expectArray(argument.get('$each'), 'TypeMismatch', 'The argument to $each in $addToSet');
}

/** A document is a query on the elements that are documents; operators and regexes test the element; else equality. */
function pullCondition(argument: BValue, ctx: EvalContext): (element: BValue) => boolean {
  if (isElementTest(argument) || argument instanceof BSONRegExp) {
    // Wrapped, so that an element that is itself an array is looked into as a query would.
    const filter = compileFilter(BDoc.of(['element', argument]), ctx);
    return (element) => filter.matches(BDoc.of(['element', element]));
  }
  if (!(argument instanceof BDoc)) return (element) => equal(element, argument);
  const matches = compileElementFilter(argument, ctx);
  return (element) => element instanceof BDoc && matches(element);
}

/** `$rename: {from: to}`: the target takes the value that the source had before the update. */
export function rename(source: readonly string[], argument: BValue): PathChange[] {
  const from = source.join('.');
  const to = expectText(argument, 'BadValue', `The 'to' field for $rename of ${from}`);
  const target = updatePath(to);
  if (`${from}.`.startsWith(`${to}.`) || `${to}.`.startsWith(`${from}.`))
    throw badValue(`The source and target field for $rename must not be on the same path: ${from}: ${to}`);
  if ([...source, ...target].some(isDynamic))
    throw badValue(`$rename takes no array elements: ${from}: ${to}`);
  const take: Modifier = (current, _path, { original }) => {
    const value = valueAtPath(original, source);
    if (value === undefined) return current;
    refuseArrays(original, source);
    refuseArrays(original, target);
    return current !== undefined && equal(current, value) ? current : value;
  };
  return [
    { parts: source, modifier: () => undefined },
    { parts: target, modifier: take },
  ];
}

/** A rename neither takes from nor puts into an array. */
function refuseArrays(doc: BDoc, path: readonly string[]): void {
  const at = path.findIndex((_, i) => i > 0 && Array.isArray(fieldAt(doc, path.slice(0, i))));
  if (at > 0) throw badValue(`$rename cannot reach into the array '${path.slice(0, at).join('.')}'`);
}
