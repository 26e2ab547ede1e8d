import { Binary, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import { CommandError, type CodeName } from '../errors.js';
import { toSafeInteger } from './arithmetic.js';
import { isInt, isNumber, typeName, typeNameOrMissing } from './type-of.js';
import { BDoc, type BValue } from './values.js';

/** A value as error messages show it. Long values are cut. */
export function describe(value: BValue | undefined): string {
  const text = value === undefined ? 'MISSING' : shellText(value);
  return text.length > 500 ? `${text.slice(0, 500)}...` : text;
}

/** A value as MongoDB's shell prints it inside a message. */
export function shellText(value: BValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (value instanceof Double) return value.value.toFixed(1);
  if (value instanceof Decimal128) return value.toString();
  if (value instanceof Binary) return `BinData(${value.sub_type}, ${value.toString('hex').toUpperCase()})`;
  if (value instanceof Timestamp)
    return `Timestamp(${value.getHighBitsUnsigned()}, ${value.getLowBitsUnsigned()})`;
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(shellText).join(', ')} ]`;
  if (!(value instanceof BDoc)) return typeName(value);
  const fields = value.entries().map(([name, field]) => `${name}: ${shellText(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

type Code = number | CodeName;
type Given = BValue | undefined;

/** `what` in these functions begins the message: "$size must be an array, got string: "x"". */
function refused(code: Code, what: string, expected: string, got: Given): CommandError {
  return new CommandError(
    code,
    `${what} must be ${expected}, got ${typeNameOrMissing(got)}: ${describe(got)}`,
  );
}

function expecting<T extends BValue>(expected: string, is: (value: Given) => value is T) {
  return (value: Given, code: Code, what: string): T => {
    if (is(value)) return value;
    throw refused(code, what, expected, value);
  };
}

export const expectDocument = expecting('an object', (value) => value instanceof BDoc);
export const expectArray = expecting('an array', (value): value is BValue[] => Array.isArray(value));
export const expectText = expecting('a string', (value) => typeof value === 'string');

/** A whole number of any type that is at least `min`. */
export function expectInteger(value: Given, code: Code, what: string, min = -Infinity): number {
  const integer = toSafeInteger(value);
  if (integer !== undefined && integer >= min) return integer;
  throw refused(
    code,
    what,
    min === -Infinity ? 'a whole number' : `a whole number of at least ${min}`,
    value,
  );
}

/** A whole number of 32 bits: `code` for what is no number, the next code for other numbers. */
export function expectInt32(value: Given, code: number, what: string): number {
  const integer = toSafeInteger(value);
  if (isInt(integer)) return integer;
  throw refused(isNumber(value) ? code + 1 : code, what, 'a whole number of 32 bits', value);
}

/** Refuses names that are not among `known`. */
export function expectNames(doc: BDoc, known: readonly string[], code: Code, what: string): void {
  const unknown = doc.keys().find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new CommandError(code, `${what} does not know '${unknown}', only ${known.join(', ')}`);
}
