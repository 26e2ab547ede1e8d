import { Decimal128 } from 'bson';
import * as arithmetic from '../bson/arithmetic.js';
import * as decimal from '../bson/decimal.js';
import { isNullish, isNumber, typeNameOrMissing, type NumericValue } from '../bson/type-of.js';
import { double } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { binary, unary, variadic } from './operands.js';
import { round, type RoundingMode } from './rounding.js';

/** Arithmetic and trigonometric expressions. */
export const ARITHMETIC: OperatorTable = {
  $add: variadic(addAll),
  $subtract: binary(subtract),
  $multiply: variadic((args) => {
    let product: NumericValue = 1;
    let missing = false;
    for (const arg of args) {
      if (isNullish(arg)) missing = true;
      else product = arithmetic.multiply(product, numeric(arg, '$multiply', 1));
    }
    return missing ? null : product;
  }),
  $divide: binary((a, b, name) => {
    if (isNullish(a) || isNullish(b)) return null;
    const divisor = numeric(b, name, 16609);
    if (arithmetic.isZero(divisor)) throw new CommandError('BadValue', "can't $divide by zero");
    return arithmetic.divide(numeric(a, name, 16609), divisor);
  }),
  $mod: binary((a, b, name) => {
    if (isNullish(a) || isNullish(b)) return null;
    const divisor = numeric(b, name, 16611);
    if (arithmetic.isZero(divisor)) throw new CommandError(16610, "can't $mod by zero");
    return arithmetic.modulo(numeric(a, name, 16611), divisor);
  }),
  $abs: unary((a, name) => {
    if (isNullish(a)) return null;
    const value = numeric(a, name, 28765);
    if (value instanceof Decimal128) {
      const parts = decimal.decode(value);
      return Number.isNaN(parts.special)
        ? value
        : arithmetic.toNumber(value) < 0
          ? arithmetic.multiply(value, -1)
          : value;
    }
    if (value === -(2n ** 63n)) throw new CommandError(28680, "can't take $abs of long long min");
    return arithmetic.toNumber(value) < 0 || Object.is(value, -0) ? arithmetic.multiply(value, -1) : value;
  }),
  $ceil: rounding('ceil'),
  $floor: rounding('floor'),
  $round: rounding('even'),
  $trunc: rounding('zero'),
  $pow: binary(power),
  $sqrt: real(Math.sqrt, (x) => x >= 0, 28714, "$sqrt's argument must be greater than or equal to 0"),
  $exp: real(Math.exp),
  $ln: real(Math.log, (x) => x > 0, 28766, "$ln's argument must be a positive number"),
  $log10: real(Math.log10, (x) => x > 0, 28761, "$log10's argument must be a positive number"),
  $log: binary((a, b, name) => {
    if (isNullish(a) || isNullish(b)) return null;
    const value = realNumber(numeric(a, name, 28756), name);
    const base = realNumber(numeric(b, name, 28757), name);
    if (value <= 0) throw new CommandError(28758, "$log's argument must be a positive number");
    if (base <= 0 || base === 1)
      throw new CommandError(28759, "$log's base must be a positive number not equal to 1");
    return double(Math.log(value) / Math.log(base));
  }),
  $sin: real(Math.sin, Number.isFinite),
  $cos: real(Math.cos, Number.isFinite),
  $tan: real(Math.tan, Number.isFinite),
  $asin: real(Math.asin, (x) => x >= -1 && x <= 1),
  $acos: real(Math.acos, (x) => x >= -1 && x <= 1),
  $atan: real(Math.atan),
  $atan2: binary((a, b, name) => {
    if (isNullish(a) || isNullish(b)) return null;
    return double(
      Math.atan2(realNumber(numeric(a, name, 51044), name), realNumber(numeric(b, name, 51045), name)),
    );
  }),
  $sinh: real(Math.sinh),
  $cosh: real(Math.cosh),
  $tanh: real(Math.tanh),
  $asinh: real(Math.asinh),
  $acosh: real(Math.acosh, (x) => x >= 1),
  $atanh: real(Math.atanh, (x) => x >= -1 && x <= 1),
  $degreesToRadians: real((x) => (x * Math.PI) / 180),
  $radiansToDegrees: real((x) => (x * 180) / Math.PI),
};

function numeric(value: Value, name: string, code: number): NumericValue {
  if (isNumber(value)) return value;
  const type = typeNameOrMissing(value);
  if (name === '$add' || name === '$multiply' || name === '$subtract') {
    throw new CommandError(
      'TypeMismatch',
      `${name} only supports numeric ${name === '$add' ? 'or date ' : ''}types, not ${type}`,
    );
  }
  if (name === '$divide' || name === '$mod') {
    throw new CommandError(
      name === '$mod' ? 16611 : 'TypeMismatch',
      `${name} only supports numeric types, not ${type}`,
    );
  }
  throw new CommandError(code, `${name} only supports numeric types, not ${type}`);
}

function addAll(args: Value[]): Value {
  let date: Date | undefined;
  let sum: NumericValue = 0;
  let missing = false;
  for (const arg of args) {
    if (isNullish(arg)) {
      missing = true;
    } else if (arg instanceof Date) {
      if (date) throw new CommandError(16612, 'only one date allowed in an $add expression');
      date = arg;
    } else {
      sum = arithmetic.add(sum, numeric(arg, '$add', 0));
    }
  }
  if (missing) return null;
  return date ? shifted(date, sum) : sum;
}

function subtract(a: Value, b: Value, name: string): Value {
  if (isNullish(a) || isNullish(b)) return null;
  if (a instanceof Date) {
    return b instanceof Date
      ? BigInt(a.getTime() - b.getTime())
      : shifted(a, arithmetic.multiply(numeric(b, name, 0), -1));
  }
  if (b instanceof Date) throw new CommandError('TypeMismatch', "can't $subtract date from number");
  return arithmetic.subtract(numeric(a, name, 0), numeric(b, name, 0));
}

/** Milliseconds are added to a date as a whole number. */
function shifted(date: Date, milliseconds: NumericValue): Date {
  const result = new Date(date.getTime() + Math.round(arithmetic.toNumber(milliseconds)));
  if (Number.isNaN(result.getTime())) throw new CommandError('Overflow', 'date overflow in $add');
  return result;
}

function rounding(mode: RoundingMode): OperatorCompiler {
  const max = mode === 'even' || mode === 'zero' ? 2 : 1;
  return variadic(
    ([a, place], name) => {
      if (isNullish(a)) return null;
      const value = numeric(a, name, mode === 'even' || mode === 'zero' ? 51081 : 28765);
      if (place === undefined) return round(value, 0, mode);
      if (isNullish(place)) return null;
      const digits = arithmetic.toSafeInteger(place);
      if (digits === undefined)
        throw new CommandError(51082, `precision argument to  ${name} must be a integral value`);
      if (digits < -20 || digits > 100) {
        throw new CommandError(
          51083,
          `cannot apply ${name} with precision value ${digits} value must be in [-20, 100]`,
        );
      }
      return round(value, digits, mode);
    },
    1,
    max,
  );
}

/** Decimals have no transcendental functions here: a double's answer would be silently less exact. */
function realNumber(value: NumericValue, name: string): number {
  if (value instanceof Decimal128) throw unsupported(`${name} of a decimal`);
  return arithmetic.toNumber(value);
}

function real(
  compute: (x: number) => number,
  domain: (x: number) => boolean = () => true,
  code = 50989,
  message?: string,
): OperatorCompiler {
  return unary((a, name) => {
    if (isNullish(a)) return null;
    const x = realNumber(numeric(a, name, 28765), name);
    if (!Number.isNaN(x) && !domain(x)) {
      throw new CommandError(code, message ?? `cannot apply ${name} to ${x}, value is outside its domain`);
    }
    return double(compute(x));
  });
}

function power(a: Value, b: Value, name: string): Value {
  if (isNullish(a) || isNullish(b)) return null;
  const base = numeric(a, name, 28762);
  const exponent = numeric(b, name, 28763);
  if (base instanceof Decimal128 || exponent instanceof Decimal128) throw unsupported('$pow of a decimal');
  const x = arithmetic.toNumber(base);
  const y = arithmetic.toNumber(exponent);
  if (x === 0 && y < 0) throw new CommandError(28764, '$pow cannot take a base of 0 and a negative exponent');
  const integral = isIntegral(base) && isIntegral(exponent);
  if (!integral || y < 0 || Math.abs(x ** y) >= 2 ** 64) return double(x ** y);
  const exact = BigInt(base as number | bigint) ** BigInt(exponent as number | bigint);
  if (BigInt.asIntN(64, exact) !== exact) return double(x ** y);
  const bothInt = typeof base === 'number' && typeof exponent === 'number';
  return bothInt ? arithmetic.integer(exact) : exact;
}

const isIntegral = (value: NumericValue): boolean =>
  typeof value === 'bigint' || (typeof value === 'number' && (value | 0) === value && !Object.is(value, -0));
