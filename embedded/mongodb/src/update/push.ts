import { toSafeInteger } from '../bson/arithmetic.js';
import { identical } from '../bson/compare.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { elementOrder } from '../query/sort.js';
import { idText, lastName, type ModifierFactory } from './field-modifiers.js';

interface PushClauses {
  readonly each: BValue[];
  readonly position?: number;
  readonly slice?: number;
  readonly order?: (a: BValue, b: BValue) => number;
}

const bad = (message: string): CommandError => new CommandError('BadValue', message);

/** `$push`: insert at the position, then sort, then cut. */
export const push: ModifierFactory = (argument) => {
  const { each, position, slice, order } = clauses(argument);
  return (current, path, state) => {
    if (current !== undefined && !Array.isArray(current)) {
      throw bad(
        `The field '${lastName(path)}' must be an array but is of type ${typeName(current)} in document ${idText(state)}`,
      );
    }
    let next = [...(current ?? [])];
    next.splice(insertAt(next.length, position), 0, ...each);
    if (order) next.sort(order);
    if (slice !== undefined) next = slice < 0 ? next.slice(slice) : next.slice(0, slice);
    return current !== undefined && identical(current, next) ? current : next;
  };
};

function insertAt(length: number, position: number | undefined): number {
  if (position === undefined || position >= length) return length;
  return position < 0 ? Math.max(0, length + position) : position;
}

function clauses(argument: BValue): PushClauses {
  if (!(argument instanceof BDoc) || !argument.has('$each')) return { each: [argument] };
  const each = argument.get('$each')!;
  if (!Array.isArray(each)) {
    throw bad(`The argument to $each in $push must be an array but it was of type: ${typeName(each)}`);
  }
  const parsed: {
    each: BValue[];
    position?: number;
    slice?: number;
    order?: (a: BValue, b: BValue) => number;
  } = { each };
  for (const [name, value] of argument.entries()) {
    if (name === '$position') parsed.position = wholeNumber(name, value);
    else if (name === '$slice') parsed.slice = wholeNumber(name, value);
    else if (name === '$sort') parsed.order = elementOrder(value);
    else if (name !== '$each') throw bad(`Unrecognized clause in $push: ${name}`);
  }
  return parsed;
}

function wholeNumber(clause: string, value: BValue): number {
  const number = toSafeInteger(value);
  if (number !== undefined) return number;
  throw bad(`The value for ${clause} must be an integer value but was given type: ${typeName(value)}`);
}
