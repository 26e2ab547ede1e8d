import { toSafeInteger } from '../bson/arithmetic.js';
import { compare } from '../bson/compare.js';
import { describe } from '../bson/describe.js';
import { identical } from '../bson/identical.js';
import { typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
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

/** Elements as a whole (1, -1) or by fields of elements that are documents. Arrays inside compare as arrays. */
function elementOrder(spec: BValue): (a: BValue, b: BValue) => number {
  if (!(spec instanceof BDoc)) {
    const direction = directionOf(spec);
    return (a, b) => compare(a, b) * direction;
  }
  if (spec.size === 0) throw bad('The $sort pattern is empty when it should be a set of fields.');
  const parts = spec
    .entries()
    .map(([path, direction]) => ({ path: sortPath(path), direction: directionOf(direction) }));
  return (a, b) => {
    for (const { path, direction } of parts) {
      const order = compare(fieldAt(a, path), fieldAt(b, path));
      if (order !== 0) return order * direction;
    }
    return 0;
  };
}

function sortPath(path: string): string[] {
  const parts = path.split('.');
  if (parts.includes('')) throw bad(`FieldName in the $sort pattern must not be empty, got '${path}'`);
  return parts;
}

function fieldAt(element: BValue, path: readonly string[]): BValue {
  let value: BValue | undefined = element;
  for (const name of path) value = value instanceof BDoc ? value.get(name) : undefined;
  return value ?? null;
}

function directionOf(value: BValue): 1 | -1 {
  const direction = toSafeInteger(value);
  if (direction === 1 || direction === -1) return direction;
  throw bad(`The $sort element value must be either 1 or -1, got ${describe(value)}`);
}
