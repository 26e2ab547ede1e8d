import { BSONSymbol, Decimal128, Double, ObjectId } from 'bson';
import type { Binary, BSONRegExp, Code, Timestamp } from 'bson';
import { Bytes } from './bytes.js';
import { compareDecimals, compareNumbers, exact, magnitude, type Decimal } from './decimal.js';
import { isNumber, type DBPointer, type NumericValue } from './type-of.js';
import { typeRank } from './types.js';
import { BDoc, type BValue } from './values.js';

/**
 * MongoDB's order over all values: negative, 0 or positive. Missing comes before null, as in aggregation. It is the order
 * of KeyStrings; what is compared often is compared without making them.
 */
export function compare(a: BValue | undefined, b: BValue | undefined): number {
  // Numbers and strings first, without a look at their types: sorting is mostly this.
  if (typeof a === 'number' && typeof b === 'number')
    return a < b ? -1 : a > b ? 1 : a === b ? 0 : compareNumbers(a, b);
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

const NUMBER_CLASS = { nan: 1, negativeInfinity: 2, negative: 3, zero: 4, positive: 5, infinity: 6 } as const;
/** Above the magnitude range of a decimal128 and of a double. */
const MAGNITUDE_BIAS = 8192;

/**
 * Bytes whose memcmp order is the order of the value lists under `compare`, a component with direction -1 inverted.
 * Equal values of different number types give equal bytes.
 */
export function keyString(values: readonly (BValue | undefined)[], directions?: readonly (1 | -1)[]): Buffer {
  return Bytes.encode((key) => {
    values.forEach((value, i) => {
      const start = key.length;
      append(key, value);
      if (directions?.[i] === -1) key.invert(start);
    });
  });
}

/** A key for `Map` and `Set` that is the same for two values exactly when they are equal under `compare`. */
export type HashKey = string | number | boolean | null | undefined;

export function hashKey(value: BValue | undefined): HashKey {
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'bigint' || value instanceof Decimal128) {
    // The double, if one is exactly the value.
    const number = Number(value.toString());
    return compareNumbers(number, value) === 0 ? number : hashBytes(value);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Double) return value.value;
  if (value instanceof BSONSymbol) return `s${value.value}`;
  return value instanceof ObjectId ? `o${value.toHexString()}` : hashBytes(value);
}

const hashBytes = (value: BValue): string => `k${keyString([value]).toString('latin1')}`;

function append(key: Bytes, value: BValue | undefined, name?: string): void {
  const rank = typeRank(value);
  // 0 ends a list, so that a shorter list comes first; +2 moves MinKey (-1) above it.
  key.byte(rank + 2);
  if (name !== undefined) text(key, name);
  (PAYLOAD[rank] as ((key: Bytes, value: BValue | undefined) => void) | undefined)?.(key, value);
}

/** What follows the byte of the type, by its rank. */
const PAYLOAD: Readonly<Record<number, (key: Bytes, value: never) => void>> = {
  10: number,
  15: (key, value: string | BSONSymbol) => text(key, value.toString()),
  20: fields,
  25: (key, value: BValue[]) => {
    for (const element of value) append(key, element);
    key.byte(0);
  },
  30: (key, value: Binary) => {
    key.uint32BE(value.position);
    key.byte(value.sub_type);
    key.raw(value.buffer.subarray(0, value.position));
  },
  35: (key, value: ObjectId) => key.raw(value.id),
  40: (key, value: boolean) => key.byte(Number(value)),
  45: (key, value: Date) => key.uint64BE(BigInt(value.getTime()) + (1n << 63n)),
  47: (key, value: Timestamp) => key.uint64BE(value.toBigInt()),
  50: (key, value: BSONRegExp) => {
    text(key, value.pattern);
    text(key, value.options);
  },
  55: (key, value: DBPointer) => {
    key.uint32BE(Buffer.byteLength(value.ns));
    text(key, value.ns);
    key.raw(value.id.id);
  },
  60: (key, value: Code) => text(key, value.code),
  65: (key, value: Code) => {
    text(key, value.code);
    fields(key, value.scope as BDoc);
  },
};

function fields(key: Bytes, doc: BDoc): void {
  for (const [name, value] of doc.entries()) append(key, value, name);
  key.byte(0);
}

/** UTF-8 with 00 00 at the end; a 00 inside is followed by the highest code point, so that it stands above the end. */
function text(key: Bytes, value: string): void {
  key.utf8(value.includes('\0') ? value.replaceAll('\0', '\0\u{10ffff}') : value);
  key.byte(0);
  key.byte(0);
}

function number(key: Bytes, value: NumericValue): void {
  if (typeof value === 'number') return doubleKey(key, value);
  if (value instanceof Double) return doubleKey(key, value.value);
  const decimal = exact(value);
  if (decimal.special !== undefined) return doubleKey(key, decimal.special);
  if (decimal.coefficient === 0n) return doubleKey(key, 0);
  const absolute = { ...decimal, negative: false };
  const near = towardsZero(absolute);
  if (compareDecimals(exact(near), absolute) === 0) return doubleKey(key, decimal.negative ? -near : near);
  // A value that no double holds: the double nearest towards zero, 1, then magnitude and digits of the value.
  key.byte(decimal.negative ? NUMBER_CLASS.negative : NUMBER_CLASS.positive);
  const start = key.length;
  key.doubleBE(near);
  key.byte(1);
  key.uint32BE(magnitude(decimal) + MAGNITUDE_BIAS);
  key.raw(Buffer.from(decimal.coefficient.toString().replace(/0+$/, ''), 'latin1'));
  key.byte(0);
  if (decimal.negative) key.invert(start);
}

function doubleKey(key: Bytes, value: number): void {
  if (Number.isNaN(value)) return key.byte(NUMBER_CLASS.nan);
  if (value === 0) return key.byte(NUMBER_CLASS.zero);
  if (value === Infinity) return key.byte(NUMBER_CLASS.infinity);
  if (value === -Infinity) return key.byte(NUMBER_CLASS.negativeInfinity);
  key.byte(value > 0 ? NUMBER_CLASS.positive : NUMBER_CLASS.negative);
  const start = key.length;
  key.doubleBE(Math.abs(value));
  key.byte(0);
  if (value < 0) key.invert(start);
}

/** The greatest double that is not above a positive value. */
function towardsZero(value: Decimal): number {
  const near = Math.min(Number(`${value.coefficient}e${value.exponent}`), Number.MAX_VALUE);
  if (compareDecimals(exact(near), value) <= 0) return near;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, near);
  bits.setBigUint64(0, bits.getBigUint64(0) - 1n);
  return bits.getFloat64(0);
}
