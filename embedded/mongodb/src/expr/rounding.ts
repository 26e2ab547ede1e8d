import { Decimal128, Double } from 'bson';
import { integer } from '../bson/arithmetic.js';
import * as decimal from '../bson/decimal.js';
import { exactDecimal } from '../bson/number-order.js';
import type { NumericValue } from '../bson/type-of.js';
import { double } from '../bson/values.js';
import { CommandError } from '../errors.js';

export type RoundingMode = decimal.Rounding;

/** Rounds to `place` digits behind the point (negative: before it), in the type of the value. */
export function round(value: NumericValue, place: number, mode: RoundingMode): NumericValue {
  if (value instanceof Decimal128) return roundDecimal(value, place, mode);
  if (typeof value === 'bigint' || isInt(value)) return roundInteger(value, place, mode);
  const number = value instanceof Double ? value.value : value;
  return Number.isFinite(number) ? double(roundDouble(number, place, mode)) : number;
}

const isInt = (value: number | Double): value is number =>
  typeof value === 'number' && (value | 0) === value && !Object.is(value, -0);

function roundDecimal(value: Decimal128, place: number, mode: RoundingMode): Decimal128 {
  const parts = decimal.decode(value);
  if (parts.kind !== 'finite' || parts.exponent >= -place) return value;
  return decimal.encode(decimal.quantize(parts, -place, mode));
}

function roundInteger(value: number | bigint, place: number, mode: RoundingMode): NumericValue {
  if (place >= 0) return value;
  const rounded = decimal.quantize(decimal.finite(BigInt(value), 0), -place, mode);
  const result = decimal.signed(rounded) * decimal.pow10(-place);
  const fitting = typeof value === 'bigint' ? BigInt.asIntN(64, result) : integer(result);
  if (fitting === undefined || BigInt(fitting) !== result) {
    throw new CommandError(
      51080,
      'invalid conversion from Decimal128 result in $round resulting from arguments',
    );
  }
  return fitting;
}

function roundDouble(value: number, place: number, mode: RoundingMode): number {
  if (place === 0 && mode === 'ceil') return Math.ceil(value);
  if (place === 0 && mode === 'floor') return Math.floor(value);
  if (place === 0 && mode === 'zero') return Math.trunc(value);
  const rounded = decimal.quantize(exactDecimal(value) as decimal.Finite, -place, mode);
  return Number(`${rounded.negative ? '-' : ''}${rounded.coefficient}e${rounded.exponent}`);
}
