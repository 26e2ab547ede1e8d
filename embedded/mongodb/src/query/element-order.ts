import { toSafeInteger } from '../bson/arithmetic.js';
import { compare } from '../bson/compare.js';
import { describe } from '../bson/describe.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';

/**
 * Order of array elements for `$push` with `$sort` and for `$sortArray`: as a whole (1, -1), or by fields of the
 * elements that are documents. Arrays inside compare as arrays.
 */
export function elementOrder(spec: BValue): (a: BValue, b: BValue) => number {
  if (!(spec instanceof BDoc)) {
    const direction = directionOf(spec);
    return (a, b) => compare(a, b) * direction;
  }
  if (spec.size === 0) throw bad('The $sort pattern is empty when it should be a set of fields.');
  const parts = spec
    .entries()
    .map(([path, direction]) => ({ path: pathOf(path), direction: directionOf(direction) }));
  return (a, b) => {
    for (const { path, direction } of parts) {
      const order = compare(fieldAt(a, path), fieldAt(b, path));
      if (order !== 0) return order * direction;
    }
    return 0;
  };
}

const bad = (message: string): CommandError => new CommandError('BadValue', message);

function pathOf(path: string): string[] {
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
