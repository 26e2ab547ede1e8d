import { Decimal128 } from 'bson';

/** IEEE 754-2008 decimal128: 34 digits, value = coefficient * 10^exponent. */
const MAX_DIGITS = 34;
const MIN_EXPONENT = -6176;
const MAX_EXPONENT = 6111;
const BIAS = 6176;

/** A finite decimal. Zero keeps its exponent and sign, as the standard wants. */
export interface Finite {
  readonly kind: 'finite';
  readonly negative: boolean;
  readonly coefficient: bigint;
  readonly exponent: number;
}

export type Decimal =
  Finite | { readonly kind: 'infinite'; readonly negative: boolean } | { readonly kind: 'nan' };

export const NAN: Decimal = { kind: 'nan' };

export function infinite(negative: boolean): Decimal {
  return { kind: 'infinite', negative };
}

export function finite(signed: bigint, exponent: number, negative = signed < 0n): Finite {
  return { kind: 'finite', negative, coefficient: signed < 0n ? -signed : signed, exponent };
}

/** Signed coefficient. */
export function signed(value: Finite): bigint {
  return value.negative ? -value.coefficient : value.coefficient;
}

const digitsOf = (coefficient: bigint): number => (coefficient === 0n ? 1 : coefficient.toString().length);

export function pow10(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

export function decode(value: Decimal128): Decimal {
  const view = new DataView(value.bytes.buffer, value.bytes.byteOffset, 16);
  const high = view.getBigUint64(8, true);
  const negative = high >> 63n === 1n;
  const combination = Number((high >> 58n) & 0x1fn);
  if (combination === 0x1f) return NAN;
  if (combination === 0x1e) return infinite(negative);
  // The form with an implied leading 100 always exceeds 34 digits: the standard reads such a coefficient as zero.
  if (combination >= 0x18) return finite(0n, Number((high >> 47n) & 0x3fffn) - BIAS, negative);
  const coefficient = ((high & 0x1_ffff_ffff_ffffn) << 64n) | view.getBigUint64(0, true);
  const exponent = Number((high >> 49n) & 0x3fffn) - BIAS;
  return finite(coefficient >= pow10(MAX_DIGITS) ? 0n : coefficient, exponent, negative);
}

/** The decimal128 nearest to `value` (ties to even); infinite if it is too large. */
export function encode(value: Decimal): Decimal128 {
  if (value.kind === 'nan') return pack(0x7c00n << 48n, 0n);
  const sign = value.negative ? 1n << 63n : 0n;
  if (value.kind === 'infinite') return pack(sign | (0x7800n << 48n), 0n);
  const rounded = fit(value);
  if (rounded.kind !== 'finite') return encode(rounded);
  const high = sign | (BigInt(rounded.exponent + BIAS) << 49n) | (rounded.coefficient >> 64n);
  return pack(high, rounded.coefficient & 0xffff_ffff_ffff_ffffn);
}

function pack(high: bigint, low: bigint): Decimal128 {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(low, 0);
  bytes.writeBigUInt64LE(high, 8);
  return new Decimal128(bytes);
}

function fit(value: Finite): Decimal {
  const { negative } = value;
  const excess = Math.max(digitsOf(value.coefficient) - MAX_DIGITS, MIN_EXPONENT - value.exponent);
  let { coefficient, exponent } = excess > 0 ? quantize(value, value.exponent + excess) : value;
  if (digitsOf(coefficient) > MAX_DIGITS) {
    coefficient /= 10n;
    exponent++;
  }
  if (coefficient === 0n) return finite(0n, Math.min(exponent, MAX_EXPONENT), negative);
  if (exponent > MAX_EXPONENT) {
    const padding = exponent - MAX_EXPONENT;
    if (digitsOf(coefficient) + padding > MAX_DIGITS) return infinite(negative);
    coefficient *= pow10(padding);
    exponent = MAX_EXPONENT;
  }
  return { kind: 'finite', negative, coefficient, exponent };
}

/** How to drop digits: to the nearest with ties to even, towards zero, towards minus or plus infinity. */
export type Rounding = 'even' | 'zero' | 'floor' | 'ceil';

/** The value with exactly the given exponent. */
export function quantize(value: Finite, exponent: number, rounding: Rounding = 'even'): Finite {
  const drop = exponent - value.exponent;
  if (drop <= 0) return { ...value, coefficient: value.coefficient * pow10(-drop), exponent };
  if (drop > digitsOf(value.coefficient) + 1)
    return { ...value, coefficient: nearZero(value, rounding), exponent };
  const unit = pow10(drop);
  const quotient = value.coefficient / unit;
  const rest = value.coefficient % unit;
  return {
    ...value,
    coefficient: quotient + roundUp(value.negative, quotient, rest, unit, rounding),
    exponent,
  };
}

function nearZero(value: Finite, rounding: Rounding): bigint {
  return roundUp(value.negative, 0n, value.coefficient === 0n ? 0n : 1n, 10n, rounding);
}

function roundUp(
  negative: boolean,
  quotient: bigint,
  rest: bigint,
  unit: bigint,
  rounding: Rounding,
): bigint {
  if (rest === 0n || rounding === 'zero') return 0n;
  if (rounding === 'floor') return negative ? 1n : 0n;
  if (rounding === 'ceil') return negative ? 0n : 1n;
  const twice = rest * 2n;
  return twice > unit || (twice === unit && quotient % 2n === 1n) ? 1n : 0n;
}

export function add(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  if (a.kind === 'infinite') return b.kind === 'infinite' && a.negative !== b.negative ? NAN : a;
  if (b.kind === 'infinite') return b;
  if (isNegligible(b, a)) return add(a, sticky(a, b));
  if (isNegligible(a, b)) return add(b, sticky(b, a));
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = signed(quantize(a, exponent)) + signed(quantize(b, exponent));
  return finite(sum, exponent, sum < 0n || (sum === 0n && a.negative && b.negative));
}

/** Far below the last of 34 digits; only its sign can matter, for the rounding. */
function isNegligible(small: Finite, large: Finite): boolean {
  if (small.coefficient === 0n || large.coefficient === 0n) return false;
  return digitsOf(small.coefficient) + small.exponent < large.exponent - 2 * MAX_DIGITS;
}

function sticky(large: Finite, small: Finite): Finite {
  return finite(small.negative ? -1n : 1n, large.exponent - 2 * MAX_DIGITS);
}

export function negate(value: Decimal): Decimal {
  return value.kind === 'nan' ? value : { ...value, negative: !value.negative };
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinite' || b.kind === 'infinite')
    return isZero(a) || isZero(b) ? NAN : infinite(negative);
  return finite(a.coefficient * b.coefficient, a.exponent + b.exponent, negative);
}

export function isZero(value: Decimal): boolean {
  return value.kind === 'finite' && value.coefficient === 0n;
}

/** Quotient to 34 digits. The caller has refused a zero divisor. */
export function divide(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan' || (a.kind === 'infinite' && b.kind === 'infinite')) return NAN;
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinite') return infinite(negative);
  if (b.kind === 'infinite') return finite(0n, MIN_EXPONENT, negative);
  const scale = Math.max(0, MAX_DIGITS + 2 + digitsOf(b.coefficient) - digitsOf(a.coefficient));
  const dividend = a.coefficient * pow10(scale);
  let quotient = dividend / b.coefficient;
  let exponent = a.exponent - b.exponent - scale;
  // A sticky last digit makes the later rounding to 34 digits see that something was cut off.
  if (dividend % b.coefficient !== 0n) return finite(quotient * 10n + 1n, exponent - 1, negative);
  const ideal = a.exponent - b.exponent;
  while (exponent < ideal && quotient !== 0n && quotient % 10n === 0n) {
    quotient /= 10n;
    exponent++;
  }
  return finite(quotient, quotient === 0n ? ideal : exponent, negative);
}

/** Remainder with the sign of the dividend, as C's fmod. */
export function remainder(a: Decimal, b: Decimal): Decimal {
  if (a.kind !== 'finite' || b.kind === 'nan') return NAN;
  if (b.kind === 'infinite') return a;
  const exponent = Math.min(a.exponent, b.exponent);
  const rest = quantize(a, exponent).coefficient % quantize(b, exponent).coefficient;
  return finite(rest, exponent, a.negative);
}
