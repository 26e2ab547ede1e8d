import { ObjectId } from 'bson';
import { compareNumbers } from './decimal.js';
import { keyString } from './keystring.js';
import { isNumber, type NumericValue } from './type-of.js';
import { typeRank } from './types.js';
import { BDoc, type BValue } from './values.js';

/**
 * MongoDB's order over all values: negative, 0 or positive. Missing comes before null, as in aggregation. It is the order
 * of KeyStrings; what is compared often is compared without making them.
 */
export function compare(a: BValue | undefined, b: BValue | undefined): number {
  // Numbers and strings first, without a look at their types: sorting is mostly this.
  if (typeof a === 'number' && typeof b === 'number') {
    return a < b ? -1 : a > b ? 1 : a === b ? 0 : compareNumbers(a, b);
  }
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const ranks = typeRank(a) - typeRank(b);
  if (ranks !== 0) return ranks;
  if (isNumber(a)) return compareNumbers(a, b as NumericValue);
  if (a instanceof Date) return a.getTime() - (b as Date).getTime();
  if (a instanceof ObjectId) return Buffer.compare(a.id, (b as ObjectId).id);
  return Buffer.compare(keyString([a]), keyString([b]));
}

export function equal(a: BValue | undefined, b: BValue | undefined): boolean {
  return compare(a, b) === 0;
}

/** Whether two values have the same type and bytes: 5 and 5.0 are equal but not identical. */
export function identical(a: BValue | undefined, b: BValue | undefined): boolean {
  if (a === undefined || b === undefined || typeof a !== typeof b) return a === b;
  return a === null || typeof a !== 'object' ? Object.is(a, b) : bytesOf(a).equals(bytesOf(b!));
}

function bytesOf(value: BValue): Buffer {
  return value instanceof BDoc ? value.toBytes() : BDoc.of(['', value]).toBytes();
}

/** Order of the UTF-8 bytes. It differs from JavaScript's only where a surrogate pair meets U+E000..U+FFFF. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  return at === length
    ? a.length - b.length
    : codePointOrder(a.charCodeAt(at)) - codePointOrder(b.charCodeAt(at));
}

const codePointOrder = (unit: number): number =>
  unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
