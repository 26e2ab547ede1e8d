import { Decimal128 } from 'bson';
import * as arithmetic from '../bson/arithmetic.js';
import type { Rounding } from '../bson/decimal.js';
import { expectInteger } from '../bson/expect.js';
import { isInt, isNullish, isNumber, typeNameOrMissing, type NumericValue } from '../bson/type-of.js';
import { double, type BValue } from '../bson/values.js';
import { CommandError, unsupported, type CodeName } from '../errors.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { anyVariadic, binary, unary, variadic } from './operands.js';

/** Arithmetic expressions. */
export const NUMBERS: OperatorTable = {
  $add: anyVariadic((args, name) => {
    const dates = args.filter((arg) => arg instanceof Date);
    if (dates.length > 1) throw new CommandError(16612, 'only one date allowed in an $add expression');
    const numbers = args.filter((arg) => !isNullish(arg) && !(arg instanceof Date));
    const sum = numbers.map((arg) => numeric(arg, name)).reduce(arithmetic.add, 0);
    if (args.some(isNullish)) return null;
    return dates[0] ? shifted(dates[0], sum) : sum;
  }),
  $subtract: binary((a, b, name) => {
    if (!(a instanceof Date)) return arithmetic.subtract(numeric(a, name), numeric(b, name));
    if (b instanceof Date) return BigInt(a.getTime() - b.getTime());
    return shifted(a, arithmetic.multiply(numeric(b, name), -1));
  }),
  $multiply: anyVariadic((args, name) => {
    const numbers = args.filter((arg) => !isNullish(arg)).map((arg) => numeric(arg, name));
    return args.some(isNullish) ? null : numbers.reduce(arithmetic.multiply, 1);
  }),
  $divide: binary((a, b, name) => {
    const divisor = numeric(b, name);
    if (arithmetic.isZero(divisor)) throw new CommandError('BadValue', "can't $divide by zero");
    return arithmetic.divide(numeric(a, name), divisor);
  }),
  $mod: binary((a, b, name) => {
    const divisor = numeric(b, name, 16611);
    if (arithmetic.isZero(divisor)) throw new CommandError(16610, "can't $mod by zero");
    return arithmetic.modulo(numeric(a, name, 16611), divisor);
  }),
  $abs: unary((a, name) => {
    const value = numeric(a, name, 28765);
    if (value === -(2n ** 63n)) throw new CommandError(28680, "can't take $abs of long long min");
    const negative = arithmetic.toNumber(value) < 0 || Object.is(arithmetic.toNumber(value), -0);
    return negative ? arithmetic.multiply(value, -1) : value;
  }),
  $ceil: rounding('ceil', 1),
  $floor: rounding('floor', 1),
  $round: rounding('even', 2),
  $trunc: rounding('zero', 2),
  $pow: binary(power),
  $sqrt: real(28714, (x) => x >= 0, Math.sqrt),
  $exp: real(28765, () => true, Math.exp),
  $ln: real(28766, (x) => x > 0, Math.log),
  $log10: real(28761, (x) => x > 0, Math.log10),
  $log: binary((a, b, name) => {
    const value = realNumber(a, name, 28756);
    const base = realNumber(b, name, 28757);
    if (value <= 0) throw new CommandError(28758, "$log's argument must be a positive number");
    if (base <= 0 || base === 1)
      throw new CommandError(28759, "$log's base must be positive and not equal to 1");
    return double(Math.log(value) / Math.log(base));
  }),
};

function numeric(value: Value, name: string, code: number | CodeName = 'TypeMismatch'): NumericValue {
  if (isNumber(value)) return value;
  throw new CommandError(code, `${name} only supports numeric types, not ${typeNameOrMissing(value)}`);
}

/** Milliseconds are added to a date as a whole number. */
function shifted(date: Date, milliseconds: NumericValue): Date {
  const result = new Date(date.getTime() + Math.round(arithmetic.toNumber(milliseconds)));
  if (Number.isNaN(result.getTime())) throw new CommandError('Overflow', 'date overflow in $add');
  return result;
}

function rounding(mode: Rounding, maxOperands: number): OperatorCompiler {
  return variadic(
    ([a, place = 0], name) => {
      const value = numeric(a, name, maxOperands === 2 ? 51081 : 28765);
      const digits = expectInteger(place, 51082, `the precision of ${name}`);
      if (digits < -20 || digits > 100)
        throw new CommandError(51083, `${name}: precision ${digits} is not in [-20, 100]`);
      const rounded = arithmetic.round(value, digits, mode);
      if (rounded === undefined) throw new CommandError(51080, `${name} overflows its type`);
      return rounded;
    },
    1,
    maxOperands,
  );
}

/** Decimals have no transcendental functions here: a double's answer would be silently less exact. */
function realNumber(value: BValue, name: string, code: number): number {
  if (value instanceof Decimal128) throw unsupported(`${name} of a decimal`);
  return arithmetic.toNumber(numeric(value, name, code));
}

function real(
  code: number,
  domain: (x: number) => boolean,
  compute: (x: number) => number,
): OperatorCompiler {
  return unary((a, name) => {
    const x = realNumber(a, name, 28765);
    if (Number.isNaN(x) || domain(x)) return double(compute(x));
    throw new CommandError(code, `cannot apply ${name} to ${x}, value is outside its domain`);
  });
}

function power(a: BValue, b: BValue, name: string): Value {
  const x = realNumber(a, name, 28762);
  const y = realNumber(b, name, 28763);
  if (x === 0 && y < 0) throw new CommandError(28764, '$pow cannot take a base of 0 and a negative exponent');
  const integral = [a, b].every((one) => typeof one === 'bigint' || isInt(one));
  if (!integral || y < 0 || Math.abs(x ** y) >= 2 ** 64) return double(x ** y);
  const exact = BigInt(a as number | bigint) ** BigInt(b as number | bigint);
  const fitting = arithmetic.integer(exact) ?? double(x ** y);
  return typeof fitting === 'number' && (typeof a === 'bigint' || typeof b === 'bigint') ? exact : fitting;
}
