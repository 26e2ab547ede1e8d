import { Decimal128, Double } from 'bson';
import * as decimal from './decimal.js';
import { finite, type Decimal } from './decimal.js';
import { isNumber, typeName, type NumericValue } from './type-of.js';
import { double } from './values.js';

/** Number types from narrow to wide; an operation answers in the wider type of its operands. */
const WIDTH = { int: 0, long: 1, double: 2, decimal: 3 } as const;
type Width = (typeof WIDTH)[keyof typeof WIDTH];

function widthOf(value: NumericValue): Width {
  return WIDTH[typeName(value) as keyof typeof WIDTH];
}

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

/** The value as a double, rounded where it must be. */
export function toNumber(value: NumericValue): number {
  if (typeof value === 'number') return value;
  if (value instanceof Double) return value.value;
  return typeof value === 'bigint' ? Number(value) : Number(value.toString());
}

/** The value as a decimal; a double keeps 15 significant digits, as in MongoDB. */
export function toDecimal(value: NumericValue): Decimal {
  if (value instanceof Decimal128) return decimal.decode(value);
  if (typeof value === 'bigint') return finite(value, 0);
  const number = toNumber(value);
  if (Number.isNaN(number)) return decimal.NAN;
  if (!Number.isFinite(number)) return decimal.infinite(number < 0);
  if (typeof value === 'number' && widthOf(value) === WIDTH.int) return finite(BigInt(number), 0);
  return parseDecimal(number.toPrecision(15));
}

/** Reads `-1.50e+3` and the like. The text must be a finite number. */
export function parseDecimal(text: string): Decimal {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = BigInt(whole.replace(/^[+-]/, '') + fraction);
  return {
    kind: 'finite',
    negative: whole.startsWith('-'),
    coefficient: digits,
    exponent: Number(exponent) - fraction.length,
  };
}

/** An integer in the narrowest of int and long that holds it; `undefined` if neither does. */
export function integer(value: bigint): number | bigint | undefined {
  if (value >= INT_MIN && value <= INT_MAX) return Number(value);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

interface Operation {
  integers(a: bigint, b: bigint): bigint;
  doubles(a: number, b: number): number;
  decimals(a: Decimal, b: Decimal): Decimal;
}

const ADD: Operation = { integers: (a, b) => a + b, doubles: (a, b) => a + b, decimals: decimal.add };
const SUBTRACT: Operation = {
  integers: (a, b) => a - b,
  doubles: (a, b) => a - b,
  decimals: (a, b) => decimal.add(a, decimal.negate(b)),
};
const MULTIPLY: Operation = {
  integers: (a, b) => a * b,
  doubles: (a, b) => a * b,
  decimals: decimal.multiply,
};

/** `undefined` means that the result does not fit an int64. */
function apply(operation: Operation, a: NumericValue, b: NumericValue): NumericValue | undefined {
  const width = Math.max(widthOf(a), widthOf(b));
  if (width === WIDTH.decimal) return decimal.encode(operation.decimals(toDecimal(a), toDecimal(b)));
  if (width === WIDTH.double) return double(operation.doubles(toNumber(a), toNumber(b)));
  if (width === WIDTH.int) {
    const result = operation.doubles(a as number, b as number);
    if (result >= INT_MIN && result <= INT_MAX) return result + 0;
  }
  const result = operation.integers(BigInt(a as number | bigint), BigInt(b as number | bigint));
  return width === WIDTH.int ? integer(result) : BigInt.asIntN(64, result) === result ? result : undefined;
}

function orDouble(operation: Operation, a: NumericValue, b: NumericValue): NumericValue {
  return apply(operation, a, b) ?? double(operation.doubles(toNumber(a), toNumber(b)));
}

/** Sum; int grows to long and long, where it overflows, to double. */
export const add = (a: NumericValue, b: NumericValue): NumericValue => orDouble(ADD, a, b);
export const subtract = (a: NumericValue, b: NumericValue): NumericValue => orDouble(SUBTRACT, a, b);
export const multiply = (a: NumericValue, b: NumericValue): NumericValue => orDouble(MULTIPLY, a, b);

/** As {@link add}, but `undefined` where a long overflows: an update refuses that. */
export const addExact = (a: NumericValue, b: NumericValue): NumericValue | undefined => apply(ADD, a, b);
export const multiplyExact = (a: NumericValue, b: NumericValue): NumericValue | undefined =>
  apply(MULTIPLY, a, b);

/** Quotient: a double, or a decimal if one of the two is. The caller has refused a zero divisor. */
export function divide(a: NumericValue, b: NumericValue): NumericValue {
  if (isDecimal(a) || isDecimal(b)) return decimal.encode(decimal.divide(toDecimal(a), toDecimal(b)));
  return double(toNumber(a) / toNumber(b));
}

/** Remainder with the sign of the dividend. The caller has refused a zero divisor. */
export function modulo(a: NumericValue, b: NumericValue): NumericValue {
  const width = Math.max(widthOf(a), widthOf(b));
  if (width === WIDTH.decimal) return decimal.encode(decimal.remainder(toDecimal(a), toDecimal(b)));
  if (width === WIDTH.double) return double(toNumber(a) % toNumber(b));
  if (width === WIDTH.int) return ((a as number) % (b as number)) + 0;
  return BigInt(a as number | bigint) % BigInt(b as number | bigint);
}

export function isZero(value: NumericValue): boolean {
  return isDecimal(value) ? decimal.isZero(decimal.decode(value)) : toNumber(value) === 0;
}

export function isDecimal(value: unknown): value is Decimal128 {
  return value instanceof Decimal128;
}

/** A whole number of any type as a JavaScript integer; `undefined` for everything else. */
export function toSafeInteger(value: unknown): number | undefined {
  if (!isNumber(value as NumericValue)) return undefined;
  const number = toNumber(value as NumericValue);
  return Number.isSafeInteger(number) ? number + 0 : undefined;
}
