import { Decimal128, Double } from 'bson';
import type { NumericValue } from './type-of.js';

/** IEEE 754-2008 decimal128 holds 34 digits and exponents from -6176 to 6111. */
const MAX_DIGITS = 34;
const MIN_EXPONENT = -6176;
const MAX_EXPONENT = 6111;

/** Exactly coefficient * 10^exponent, or with `special` NaN or an infinity. Zero keeps its exponent and sign. */
export interface Decimal {
  readonly negative: boolean;
  readonly coefficient: bigint;
  readonly exponent: number;
  readonly special?: number;
}

/** How to drop digits: to the nearest with ties to even, towards zero, towards minus or plus infinity. */
export type Rounding = 'even' | 'zero' | 'floor' | 'ceil';

export function decimalOf(signed: bigint, exponent: number, negative = signed < 0n): Decimal {
  return { negative, coefficient: signed < 0n ? -signed : signed, exponent };
}

export const special = (value: number): Decimal => ({
  negative: value < 0,
  coefficient: 0n,
  exponent: 0,
  special: value,
});

export const signed = (value: Decimal): bigint => (value.negative ? -value.coefficient : value.coefficient);
export const pow10 = (exponent: number): bigint => 10n ** BigInt(exponent);
const digitsOf = (coefficient: bigint): number => coefficient.toString().length;

/** Reads `-1.50e+3`, `NaN`, `-Infinity`. */
export function parseDecimal(text: string): Decimal {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text);
  if (!match) return special(Number(text));
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  return {
    negative: sign === '-',
    coefficient: BigInt(whole + fraction),
    exponent: Number(exponent) - fraction.length,
  };
}

/** A value of any number type, exactly: every double is a dyadic fraction, so its decimal expansion ends. */
export function exact(value: NumericValue): Decimal {
  if (typeof value === 'bigint') return decimalOf(value, 0);
  if (value instanceof Decimal128) return decode(value);
  let number = value instanceof Double ? value.value : value;
  if (!Number.isFinite(number)) return special(number);
  let halvings = 0;
  for (; !Number.isInteger(number); halvings++) number *= 2;
  return decimalOf(BigInt(number) * 5n ** BigInt(halvings), -halvings, number < 0 || Object.is(number, -0));
}

export function decode(value: Decimal128): Decimal {
  const decimal = parseDecimal(value.toString());
  // The standard reads a coefficient of more than 34 digits as zero.
  return decimal.coefficient < pow10(MAX_DIGITS) ? decimal : { ...decimal, coefficient: 0n };
}

/** The decimal128 nearest to `value` (ties to even); infinite if it is too large. */
export function encode(value: Decimal): Decimal128 {
  if (value.special !== undefined) return Decimal128.fromString(String(value.special));
  const { negative, coefficient, exponent } = fit(value);
  const sign = negative ? '-' : '';
  if (coefficient === 0n) return Decimal128.fromString(`${sign}0E${Math.min(exponent, MAX_EXPONENT)}`);
  if (digitsOf(coefficient) + exponent > MAX_DIGITS + MAX_EXPONENT)
    return Decimal128.fromString(`${sign}Infinity`);
  const padding = Math.max(0, exponent - MAX_EXPONENT);
  return Decimal128.fromString(`${sign}${coefficient * pow10(padding)}E${exponent - padding}`);
}

export const fits = (value: Decimal): boolean => digitsOf(value.coefficient) <= MAX_DIGITS;

/** Rounded to what a decimal128 holds. */
export function fit(value: Decimal): Decimal {
  const excess = Math.max(digitsOf(value.coefficient) - MAX_DIGITS, MIN_EXPONENT - value.exponent);
  return excess <= 0 ? value : atMost(MAX_DIGITS, quantize(value, value.exponent + excess));
}

/** Rounded or filled up to so many digits. */
export const withDigits = (value: Decimal, digits: number): Decimal =>
  atMost(digits, quantize(value, magnitude(value) - digits));

/** With all the digits that a decimal128 holds. */
export const filled = (value: Decimal): Decimal => withDigits(value, MAX_DIGITS);

/** Rounding up may have brought one digit more. */
const atMost = (digits: number, value: Decimal): Decimal =>
  digitsOf(value.coefficient) > digits ? quantize(value, value.exponent + 1) : value;

/** The value with exactly the given exponent. */
export function quantize(value: Decimal, exponent: number, rounding: Rounding = 'even'): Decimal {
  const drop = exponent - value.exponent;
  if (drop <= 0) return { ...value, coefficient: value.coefficient * pow10(-drop), exponent };
  const unit = pow10(drop);
  const quotient = value.coefficient / unit;
  const twice = (value.coefficient % unit) * 2n;
  const up = {
    even: twice > unit || (twice === unit && quotient % 2n === 1n),
    zero: false,
    floor: value.negative && twice > 0n,
    ceil: !value.negative && twice > 0n,
  };
  return { ...value, coefficient: up[rounding] ? quotient + 1n : quotient, exponent };
}

/** The answer where an operand is NaN or infinite; the other one, if finite, counts only by its sign. */
function specialCase(a: Decimal, b: Decimal, apply: (a: number, b: number) => number): Decimal | undefined {
  if (a.special === undefined && b.special === undefined) return undefined;
  const result = apply(signOf(a), signOf(b));
  if (!Number.isFinite(result)) return special(result);
  return { negative: Object.is(result, -0), coefficient: 0n, exponent: MIN_EXPONENT };
}

function signOf(value: Decimal): number {
  return value.special ?? (value.negative ? -1 : 1) * (value.coefficient === 0n ? 0 : 1);
}

export function add(a: Decimal, b: Decimal): Decimal {
  const unusual = specialCase(a, b, (x, y) => x + y);
  if (unusual) return unusual;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = signed(quantize(a, exponent)) + signed(quantize(b, exponent));
  return decimalOf(sum, exponent, sum < 0n || (sum === 0n && a.negative && b.negative));
}

export function negate(value: Decimal): Decimal {
  return value.special === undefined ? { ...value, negative: !value.negative } : special(-value.special);
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  const unusual = specialCase(a, b, (x, y) => x * y);
  if (unusual) return unusual;
  return decimalOf(a.coefficient * b.coefficient, a.exponent + b.exponent, a.negative !== b.negative);
}

/** Quotient to 34 digits. The caller has refused a zero divisor. */
export function divide(a: Decimal, b: Decimal): Decimal {
  const unusual = specialCase(a, b, (x, y) => x / y);
  if (unusual) return unusual;
  const negative = a.negative !== b.negative;
  const scale = Math.max(0, MAX_DIGITS + 2 + digitsOf(b.coefficient) - digitsOf(a.coefficient));
  const dividend = a.coefficient * pow10(scale);
  let quotient = dividend / b.coefficient;
  const ideal = a.exponent - b.exponent;
  let exponent = ideal - scale;
  // A sticky last digit makes the later rounding to 34 digits see that something was cut off.
  if (dividend % b.coefficient !== 0n) return decimalOf(quotient * 10n + 1n, exponent - 1, negative);
  if (quotient === 0n) return decimalOf(0n, ideal, negative);
  for (; exponent < ideal && quotient % 10n === 0n; exponent++) quotient /= 10n;
  return decimalOf(quotient, exponent, negative);
}

/** Position of the highest digit: 1 for 1..9.99, 0 for 0.1..0.99. */
export const magnitude = (value: Decimal): number => digitsOf(value.coefficient) + value.exponent;

/** Orders decimals by value; NaN is lowest and equals itself. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const [x, y] = [signOf(a), signOf(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(y)) - Number(Number.isNaN(x));
  if (x !== y || x === 0 || a.special !== undefined) return Math.sign(x === y ? 0 : x - y);
  const byMagnitude = (magnitude(a) - magnitude(b)) * x;
  if (byMagnitude !== 0) return Math.sign(byMagnitude);
  const difference = signed(add(a, negate(b)));
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Orders numbers of all four types by their exact value; NaN is lowest and equals itself. */
export function compareNumbers(a: NumericValue, b: NumericValue): number {
  if (a instanceof Decimal128 || b instanceof Decimal128) return compareDecimals(exact(a), exact(b));
  const x = a instanceof Double ? a.value : a;
  const y = b instanceof Double ? b.value : b;
  if (x < y) return -1;
  if (x > y) return 1;
  if (x == y) return 0;
  return Number(Number.isNaN(y)) - Number(Number.isNaN(x));
}
