import { Timestamp } from 'bson';
import * as arithmetic from '../bson/arithmetic.js';
import { compare } from '../bson/compare.js';
import { describe } from '../bson/describe.js';
import { identical } from '../bson/compare.js';
import { isNumber, typeName, type NumericValue } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import type { Modifier, UpdateState } from './update-tree.js';

/** Makes the modifier of one operator for one path. */
export type ModifierFactory = (argument: BValue, path: string, ctx: EvalContext) => Modifier;

const set: ModifierFactory = (argument) => (current) => (identical(current, argument) ? current : argument);

/** Operators that change one field whatever its neighbours are. */
export const FIELD_MODIFIERS: Readonly<Record<string, ModifierFactory>> = {
  $set: set,
  $setOnInsert: (argument) => (current, _path, state) =>
    !state.inserting || identical(current, argument) ? current : argument,
  $unset: () => () => undefined,
  $inc: (argument, path) => {
    const amount = numericArgument('increment', argument, path);
    return (current, at, state) => {
      if (current === undefined) return amount;
      const sum = arithmetic.addExact(numericField('$inc', current, at, state), amount);
      return unlessSame(current, fitting('$inc', sum, current, state));
    };
  },
  $mul: (argument, path) => {
    const factor = numericArgument('multiply', argument, path);
    return (current, at, state) => {
      if (current === undefined) return arithmetic.multiply(factor, 0);
      const product = arithmetic.multiplyExact(numericField('$mul', current, at, state), factor);
      return unlessSame(current, fitting('$mul', product, current, state));
    };
  },
  $min: (argument) => (current) =>
    current === undefined || compare(argument, current) < 0 ? argument : current,
  $max: (argument) => (current) =>
    current === undefined || compare(argument, current) > 0 ? argument : current,
  $currentDate: (argument, _path, ctx) => {
    const now = currentDate(argument, ctx);
    return (current) => unlessSame(current, now);
  },
  $bit: (argument, path) => bitwise(argument, path),
};

function unlessSame(current: BValue | undefined, next: BValue): BValue {
  return current !== undefined && identical(current, next) ? current : next;
}

function numericArgument(verb: string, argument: BValue, path: string): NumericValue {
  if (isNumber(argument)) return argument;
  throw new CommandError(
    'TypeMismatch',
    `Cannot ${verb} with non-numeric argument: {${path}: ${describe(argument)}}`,
  );
}

function numericField(operator: string, current: BValue, path: string, state: UpdateState): NumericValue {
  if (isNumber(current)) return current;
  throw new CommandError(
    'TypeMismatch',
    `Cannot apply ${operator} to a value of non-numeric type. ${idText(state)} has the field '${lastName(path)}' ` +
      `of non-numeric type ${typeName(current)}`,
  );
}

function fitting(
  operator: string,
  result: NumericValue | undefined,
  current: BValue,
  state: UpdateState,
): NumericValue {
  if (result !== undefined) return result;
  throw new CommandError(
    'BadValue',
    `Failed to apply ${operator} operations to current value (${describe(current)}) for document ${idText(state)}`,
  );
}

/** `{_id: 1}`, for messages. */
export function idText(state: UpdateState): string {
  return `{_id: ${describe(state.original.get('_id'))}}`;
}

export const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

function currentDate(argument: BValue, ctx: EvalContext): Date | Timestamp {
  if (typeof argument === 'boolean') return ctx.now;
  if (!(argument instanceof BDoc)) {
    throw new CommandError(
      'BadValue',
      `${typeName(argument)} is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}).`,
    );
  }
  const unknown = argument.keys().find((key) => key !== '$type');
  if (unknown) throw new CommandError('BadValue', `Unrecognized $currentDate option: ${unknown}`);
  const type = argument.get('$type');
  if (type === 'date') return ctx.now;
  if (type !== 'timestamp') {
    throw new CommandError(
      'BadValue',
      "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}",
    );
  }
  return ctx.clusterTime ?? new Timestamp({ t: Math.floor(ctx.now.getTime() / 1000), i: 1 });
}

const BIT_OPERATIONS: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

function bitwise(argument: BValue, path: string): Modifier {
  if (!(argument instanceof BDoc)) {
    throw new CommandError(
      'BadValue',
      `The $bit modifier is not compatible with a ${typeName(argument)}. You must pass in an embedded document: {$bit: {field: {and/or/xor: #}}`,
    );
  }
  const steps = argument.entries().map(([name, operand]) => {
    const operation = Object.hasOwn(BIT_OPERATIONS, name) ? BIT_OPERATIONS[name] : undefined;
    if (!operation) {
      throw new CommandError(
        'BadValue',
        `The $bit modifier only supports 'and', 'or', and 'xor', not '${name}' which is an unknown operator: {${path}: ${describe(argument)}}`,
      );
    }
    if (!isIntegral(operand)) {
      throw new CommandError(
        'BadValue',
        `The $bit modifier field must be an Integer(32/64 bit); a '${typeName(operand)}' is not supported here: {${path}: ${describe(argument)}}`,
      );
    }
    return { operation, operand };
  });
  if (steps.length === 0) {
    throw new CommandError(
      'BadValue',
      `You must pass in at least one bitwise operation. The format is: {$bit: {field: {and/or/xor: #}}`,
    );
  }
  return (current, at, state) => {
    if (current !== undefined && !isIntegral(current)) {
      throw new CommandError(
        'BadValue',
        `Cannot apply $bit to a value of non-integral type. ${idText(state)} has the field ${lastName(at)} of non-integer type ${typeName(current)}`,
      );
    }
    const long = typeof current === 'bigint' || steps.some((step) => typeof step.operand === 'bigint');
    const bits = steps.reduce(
      (value, step) => step.operation(value, BigInt(step.operand)),
      BigInt(current ?? 0),
    );
    return unlessSame(current, long ? bits : Number(bits));
  };
}

function isIntegral(value: BValue): value is number | bigint {
  return typeof value === 'bigint' || typeName(value) === 'int';
}
