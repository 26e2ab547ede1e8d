import { CommandError, type CodeName } from '../errors.js';
import { toSafeInteger } from './arithmetic.js';
import { describe } from './describe.js';
import { typeNameOrMissing } from './type-of.js';
import { BDoc, type BValue } from './values.js';

type Code = number | CodeName;
type Given = BValue | undefined;

/** `what` in these functions begins the message: "$size must be an array, got string: "x"". */
function refused(code: Code, what: string, expected: string, got: Given): CommandError {
  return new CommandError(
    code,
    `${what} must be ${expected}, got ${typeNameOrMissing(got)}: ${describe(got)}`,
  );
}

export function expectDocument(value: Given, code: Code, what: string): BDoc {
  if (value instanceof BDoc) return value;
  throw refused(code, what, 'an object', value);
}

export function expectArray(value: Given, code: Code, what: string): BValue[] {
  if (Array.isArray(value)) return value;
  throw refused(code, what, 'an array', value);
}

export function expectText(value: Given, code: Code, what: string): string {
  if (typeof value === 'string') return value;
  throw refused(code, what, 'a string', value);
}

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

/** Refuses names that are not among `known`. */
export function expectNames(doc: BDoc, known: readonly string[], code: Code, what: string): void {
  const unknown = doc.keys().find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new CommandError(code, `${what} does not know '${unknown}', only ${known.join(', ')}`);
}
