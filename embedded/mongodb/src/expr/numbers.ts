import { Decimal128 } from 'bson';
import * as arithmetic from '../bson/arithmetic.js';
import type { Rounding } from '../bson/decimal.js';
import { expectInteger } from '../bson/expect.js';
import { double, isInt, isNumber, type NumericValue, typeNameOrMissing } from '../bson/type-of.js';
import { CommandError, unsupported, type CodeName, badValue } from '../errors.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { inOrder, strict } from './operands.js';

/** Arithmetic expressions. */
export const NUMBERS: OperatorTable = {
  $add: inOrder(
    (arg, name) => (arg instanceof Date ? arg : numeric(arg, name)),
    (args) => {
      const at = args.findIndex((arg) => arg instanceof Date);
      if (at < 0) return narrowed(args as NumericValue[], arithmetic.add, 0);
      const others = args.toSpliced(at, 1);
      if (others.some((arg) => arg instanceof Date))
        throw new CommandError(16612, 'only one date allowed in an $add expression');
      // The numbers before the date are one sum; each of those behind it is a whole number of milliseconds.
      const numbers = others as NumericValue[];
      const sum = numbers.slice(0, at).reduce(arithmetic.add, 0);
      return numbers.slice(at).reduce(shifted, shifted(args[at] as Date, sum));
    },
  ),
  $subtract: strict(2, 2, ([a, b], name) => {
    if (!(a instanceof Date)) return arithmetic.subtract(numeric(a, name), numeric(b, name));
    if (b instanceof Date) return BigInt(a.getTime() - b.getTime());
    return shifted(a, arithmetic.multiply(numeric(b, name), -1));
  }),
  $multiply: inOrder(numeric, (args) => narrowed(args, arithmetic.multiply, 1)),
  $divide: strict(2, 2, ([a, b], name) => {
    const [dividend, divisor] = [numeric(a, name), numeric(b, name)];
    if (arithmetic.isZero(divisor)) throw badValue("can't $divide by zero");
    return arithmetic.divide(dividend, divisor);
  }),
  $mod: strict(2, 2, ([a, b], name) => {
    const [dividend, divisor] = [numeric(a, name, 16611), numeric(b, name, 16611)];
    if (arithmetic.isZero(divisor)) throw new CommandError(16610, "can't $mod by zero");
    return arithmetic.modulo(dividend, divisor);
  }),
  $abs: strict(1, 1, ([a], name) => {
    const value = numeric(a, name, 28765);
    if (value === -(2n ** 63n)) throw new CommandError(28680, "can't take $abs of long long min");
    const negative = arithmetic.toNumber(value) < 0 || Object.is(arithmetic.toNumber(value), -0);
    return negative ? arithmetic.multiply(value, -1) : value;
  }),
  $ceil: rounding('ceil', 1),
  $floor: rounding('floor', 1),
  $round: rounding('even', 2),
  $trunc: rounding('zero', 2),
  $sqrt: strict(1, 1, ([a], name) => {
    const x = realNumber(a, name, 28765);
    if (x < 0) throw new CommandError(28714, `$sqrt's argument must be at least 0, got ${x}`);
    return double(Math.sqrt(x));
  }),
  $pow: strict(2, 2, ([a, b], name) => {
    const x = realNumber(a, name, 28762);
    const y = realNumber(b, name, 28763);
    if (x === 0 && y < 0) throw new CommandError(28764, '$pow cannot take 0 and a negative exponent');
    const integral = [a, b].every((one) => typeof one === 'bigint' || isInt(one));
    if (!integral || (y < 0 && Math.abs(x) !== 1) || Math.abs(x ** y) >= 2 ** 64) return double(x ** y);
    const exact = y < 0 ? BigInt(x ** y) : BigInt(a as number | bigint) ** BigInt(b as number | bigint);
    const fitting = arithmetic.integer(exact) ?? double(x ** y);
    return typeof fitting === 'number' && [typeof a, typeof b].includes('bigint') ? exact : fitting;
  }),
};

function numeric(value: Value, name: string, code: number | CodeName = 'TypeMismatch'): NumericValue {
  if (isNumber(value)) return value;
  throw new CommandError(code, `${name} only supports numeric types, not ${typeNameOrMissing(value)}`);
}

/** Of ints alone the answer is an int where it fits one, whatever lay between. */
function narrowed(args: NumericValue[], operation: typeof arithmetic.add, start: number): NumericValue {
  const result = args.reduce(operation, start);
  return typeof result === 'bigint' && args.every(isInt) ? arithmetic.integer(result)! : result;
}

/** Milliseconds are added to a date as a whole number, a half away from zero. */
function shifted(date: Date, milliseconds: NumericValue): Date {
  const number = arithmetic.toNumber(milliseconds);
  const result = new Date(date.getTime() + Math.sign(number) * Math.round(Math.abs(number)));
  if (Number.isNaN(result.getTime())) throw new CommandError('Overflow', 'date overflow in $add');
  return result;
}

function rounding(mode: Rounding, maxOperands: number): OperatorCompiler {
  return strict(1, maxOperands, ([a, place = 0], name) => {
    const value = numeric(a, name, maxOperands === 2 ? 51081 : 28765);
    const digits = expectInteger(place, 51082, `the precision of ${name}`);
    if (digits < -20 || digits > 100)
      throw new CommandError(51083, `${name}: precision ${digits} is not in [-20, 100]`);
    const rounded = arithmetic.round(value, digits, mode);
    if (rounded === undefined) throw new CommandError(51080, `${name} overflows its type`);
    return rounded;
  });
}

/** Decimals have no roots and powers here: a double's answer would be silently less exact. */
function realNumber(value: Value, name: string, code: number): number {
  if (value instanceof Decimal128) throw unsupported(`${name} of a decimal`);
  return arithmetic.toNumber(numeric(value, name, code));
}
