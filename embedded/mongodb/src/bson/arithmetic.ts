import { Decimal128, Double } from 'bson';
import { unsupported } from '../errors.js';
import * as decimal from './decimal.js';
import type { Decimal } from './decimal.js';
import { double, isInt, isNumber, type NumericValue } from './type-of.js';
import type { BValue } from './values.js';

/** The value as a double, rounded where it must be. */
export function toNumber(value: NumericValue): number {
  return typeof value === 'number' ? value : Number(value instanceof Decimal128 ? value.toString() : value);
}

/** {@link toNumber}; NaN for anything that is no number. */
export function asNumber(value: BValue | undefined): number {
  return isNumber(value) ? toNumber(value) : NaN;
}

/** A whole number of any type as a JavaScript integer; `undefined` for everything else. */
export function toSafeInteger(value: BValue | undefined): number | undefined {
  const number = asNumber(value);
  return Number.isSafeInteger(number) ? number + 0 : undefined;
}

/** The number without its fraction; `undefined` where an int64 cannot hold it. */
export function toInt64(value: NumericValue): bigint | undefined {
  if (isInt(value)) return BigInt(value);
  const parts = decimal.exact(value);
  if (parts.special !== undefined || decimal.magnitude(parts) > 20) return undefined;
  return asLong(decimal.signed(decimal.quantize(parts, 0, 'zero')));
}

const asLong = (value: bigint): bigint | undefined =>
  BigInt.asIntN(64, value) === value ? value : undefined;

/** An integer in the narrowest of int and long that holds it; `undefined` if neither does. */
export function integer(value: bigint): number | bigint | undefined {
  return BigInt.asIntN(32, value) === value ? Number(value) : asLong(value);
}

/** The value as a decimal; a double but zero gets 15 significant digits, as in MongoDB. */
export function toDecimal(value: NumericValue): Decimal {
  const parts = decimal.exact(value);
  if (!isDouble(value) || parts.special !== undefined || parts.coefficient === 0n) return parts;
  return decimal.withDigits(parts, 15);
}

/** One operation in each kind of arithmetic. An operation answers in the wider type of its operands. */
interface Operation {
  integers(a: bigint, b: bigint): bigint;
  doubles(a: number, b: number): number;
  decimals(a: Decimal, b: Decimal): Decimal;
}

const OPERATIONS = {
  add: { integers: (a, b) => a + b, doubles: (a, b) => a + b, decimals: decimal.add },
  subtract: {
    integers: (a, b) => a - b,
    doubles: (a, b) => a - b,
    decimals: (a, b) => decimal.add(a, decimal.negate(b)),
  },
  multiply: { integers: (a, b) => a * b, doubles: (a, b) => a * b, decimals: decimal.multiply },
  modulo: {
    integers: (a, b) => a % b,
    doubles: (a, b) => a % b,
    decimals: () => {
      throw unsupported('the remainder of decimals');
    },
  },
} satisfies Record<string, Operation>;

/** `undefined` means that the result does not fit an int64; int grows to long. */
function apply(operation: Operation, a: NumericValue, b: NumericValue): NumericValue | undefined {
  if (isDecimal(a) || isDecimal(b)) return decimal.encode(operation.decimals(toDecimal(a), toDecimal(b)));
  if (isInt(a) && isInt(b)) {
    const result = operation.doubles(a, b) + 0;
    if (Number.isSafeInteger(result)) return isInt(result) ? result : BigInt(result);
  }
  if (!isWhole(a) || !isWhole(b)) return double(operation.doubles(toNumber(a), toNumber(b)));
  return asLong(operation.integers(BigInt(a), BigInt(b)));
}

const isWhole = (value: NumericValue): value is number | bigint => typeof value === 'bigint' || isInt(value);

type Binary<T> = (a: NumericValue, b: NumericValue) => T;
const orDouble =
  (operation: Operation): Binary<NumericValue> =>
  (a, b) =>
    apply(operation, a, b) ?? double(operation.doubles(toNumber(a), toNumber(b)));

/** Sum; where a long overflows, a double. */
export const add = orDouble(OPERATIONS.add);
export const subtract = orDouble(OPERATIONS.subtract);
export const multiply = orDouble(OPERATIONS.multiply);
/** Remainder with the sign of the dividend. The caller has refused a zero divisor. */
export const modulo = orDouble(OPERATIONS.modulo);

/** As {@link add}, but `undefined` where a long overflows: an update refuses that. */
export const addExact: Binary<NumericValue | undefined> = (a, b) => apply(OPERATIONS.add, a, b);
export const multiplyExact: Binary<NumericValue | undefined> = (a, b) => apply(OPERATIONS.multiply, a, b);

/** Quotient: a double, or a decimal if one of the two is. The caller has refused a zero divisor. */
export function divide(a: NumericValue, b: NumericValue): NumericValue {
  if (isDecimal(a) || isDecimal(b)) return decimal.encode(decimal.divide(toDecimal(a), toDecimal(b)));
  return double(toNumber(a) / toNumber(b));
}

export const isZero = (value: NumericValue): boolean => decimal.compareNumbers(value, 0) === 0;

/** Rounds to `place` digits behind the point (negative: before it), in the type of the value; `undefined` on overflow. */
export function round(
  value: NumericValue,
  place: number,
  rounding: decimal.Rounding,
): NumericValue | undefined {
  const parts = decimal.exact(value);
  if (parts.special !== undefined || (isWhole(value) && place >= 0)) return value;
  if (isDouble(value) && (rounding === 'floor' || rounding === 'ceil'))
    return double(Math[rounding](toNumber(value)));
  const rounded = decimal.quantize(parts, -place, rounding);
  if (!isWhole(value)) {
    // MongoDB rounds doubles as decimals too. Where one has no room for the digits asked for, it keeps its own.
    const other = rounding === 'ceil' || rounding === 'floor' ? decimal.special(NaN) : decimal.filled(parts);
    const result = decimal.encode(decimal.fits(rounded) ? rounded : other);
    return isDecimal(value) ? result : double(toNumber(result));
  }
  const result = decimal.signed(rounded) * decimal.pow10(-place);
  return typeof value === 'bigint' ? asLong(result) : integer(result);
}

const isDouble = (value: NumericValue): value is number | Double =>
  value instanceof Double || (typeof value === 'number' && !isInt(value));
const isDecimal = (value: unknown): value is Decimal128 => value instanceof Decimal128;

/**
 * A running sum of numbers of all types. Integers and decimals are summed exactly, doubles in double-double arithmetic
 * (Knuth's two-sum); the answer has the widest type seen.
 */
export class Sum {
  count = 0;
  private small = 0;
  private large = 0n;
  private sawLong = false;
  private sawDouble = false;
  private high = 0;
  private low = 0;
  private decimals: Decimal | undefined;

  /** Adds a number; anything else is ignored. */
  add(value: BValue | undefined): void {
    if (!isNumber(value)) return;
    this.count++;
    if (isInt(value)) {
      const sum = this.small + value;
      if (Number.isSafeInteger(sum)) this.small = sum;
      else this.large += BigInt(value);
    } else if (typeof value === 'bigint') {
      this.sawLong = true;
      this.large += value;
    } else if (value instanceof Decimal128) {
      this.decimals = decimal.fit(
        decimal.add(this.decimals ?? decimal.decimalOf(0n, 0), decimal.decode(value)),
      );
    } else {
      this.sawDouble = true;
      this.addDouble(value instanceof Double ? value.value : value);
    }
  }

  private addDouble(value: number): void {
    const sum = this.high + value;
    const part = sum - this.high;
    if (Number.isFinite(sum)) this.low += this.high - (sum - part) + (value - part);
    this.high = sum;
  }

  total(): BValue {
    const integers = this.large + BigInt(this.small);
    if (this.decimals) {
      const parts = [decimal.decimalOf(integers, 0), decimal.exact(this.high), decimal.exact(this.low)];
      return decimal.encode(parts.reduce(decimal.add, this.decimals));
    }
    if (this.sawDouble) return double(this.asDouble());
    const fitting = integer(integers);
    if (fitting === undefined) return double(Number(integers));
    return this.sawLong ? integers : fitting;
  }

  /** `null` if no number was seen. */
  average(): BValue {
    if (this.count === 0) return null;
    return this.decimals
      ? divide(this.total() as Decimal128, this.count)
      : double(this.asDouble() / this.count);
  }

  private asDouble(): number {
    const whole = new Sum();
    whole.addDouble(this.high);
    whole.addDouble(Number(this.large + BigInt(this.small)));
    return whole.high + (whole.low + this.low);
  }
}
