import { Decimal128, Double } from 'bson';
import { decode, finite, NAN, infinite, pow10, signed, type Decimal, type Finite } from './decimal.js';
import type { NumericValue } from './type-of.js';

/** A double as an exact decimal: every double is a dyadic fraction, so its expansion ends. */
export function exactDecimal(value: number): Decimal {
  if (Number.isNaN(value)) return NAN;
  if (!Number.isFinite(value)) return infinite(value < 0);
  if (Number.isInteger(value)) return finite(BigInt(value), 0, Object.is(value, -0) || value < 0);
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const exponentBits = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xf_ffff_ffff_ffffn;
  const mantissa = exponentBits === 0 ? fraction : fraction | (1n << 52n);
  const halvings = 1075 - Math.max(exponentBits, 1);
  return finite(mantissa * 5n ** BigInt(halvings), -halvings, value < 0);
}

/** The value as an exact decimal, whatever its type. */
export function exact(value: NumericValue): Decimal {
  if (typeof value === 'bigint') return finite(value, 0);
  if (value instanceof Decimal128) return decode(value);
  return exactDecimal(value instanceof Double ? value.value : value);
}

/** Position of the highest digit: 1 for 1..9.99, 0 for 0.1..0.99. */
export function magnitude(value: Finite): number {
  return value.coefficient.toString().length + value.exponent;
}

export function compareFinite(a: Finite, b: Finite): number {
  const x = signed(a);
  const y = signed(b);
  if (x === 0n || y === 0n || x < 0n !== y < 0n)
    return x < y ? -1 : x > y ? 1 : x === y ? 0 : x < 0n ? -1 : 1;
  const byMagnitude = magnitude(a) - magnitude(b);
  if (byMagnitude !== 0) return byMagnitude < 0 === x > 0n ? -1 : 1;
  const exponent = Math.min(a.exponent, b.exponent);
  const left = x * pow10(a.exponent - exponent);
  const right = y * pow10(b.exponent - exponent);
  return left < right ? -1 : left > right ? 1 : 0;
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

const CLASS = { nan: 0, negativeInfinity: 1, finite: 2, infinity: 3 } as const;

function classOf(value: Decimal): number {
  if (value.kind === 'nan') return CLASS.nan;
  if (value.kind === 'finite') return CLASS.finite;
  return value.negative ? CLASS.negativeInfinity : CLASS.infinity;
}

function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.kind === 'finite' && b.kind === 'finite') return compareFinite(a, b);
  return Math.sign(classOf(a) - classOf(b));
}
