import { Decimal128, ObjectId } from 'bson';
import { isZero, toDecimal, toInt64, toNumber } from '../bson/arithmetic.js';
import * as decimal from '../bson/decimal.js';
import { describe } from '../bson/expect.js';
import { double, isNullish, isNumber, typeName, typeNameOrMissing } from '../bson/type-of.js';
import type { NumericValue } from '../bson/type-of.js';
import { typeCalled } from '../bson/types.js';
import { BDoc, type BValue } from '../bson/values.js';
import { CommandError, unsupported, badValue, failedToParse } from '../errors.js';
import type { OperatorCompiler, OperatorTable } from './compiler.js';
import { dateOf, parseDate } from './dates.js';
import { lax, namedOperands, strict } from './operands.js';
import { toText } from './strings.js';

/** Type questions and conversions. */
export const CONVERSION: OperatorTable = {
  $type: lax(1, 1, ([a]) => typeNameOrMissing(a)),
  $isNumber: lax(1, 1, ([a]) => isNumber(a)),
  $toInt: to('int'),
  $toLong: to('long'),
  $toDouble: to('double'),
  $toDecimal: to('decimal'),
  $toString: to('string'),
  $toBool: to('bool'),
  $toDate: to('date'),
  $toObjectId: to('objectId'),
  $convert: (operand, compiler, name) => {
    const args = namedOperands(
      operand,
      name,
      ['input', 'to'],
      ['onError', 'onNull'],
      ['format', 'byteOrder'],
    );
    const input = compiler.compile(args.get('input')!);
    const target = compiler.compile(args.get('to')!);
    const onNull = compiler.compile(args.get('onNull') ?? null);
    const onError = args.has('onError') ? compiler.compile(args.get('onError')!) : undefined;
    return (scope) => {
      const wanted = target(scope);
      const value = input(scope);
      const type = isNullish(wanted) ? null : targetType(wanted!);
      if (isNullish(value)) return onNull(scope);
      try {
        return type && convert(value!, type);
      } catch (error) {
        if (!onError || (error as CommandError).codeName !== 'ConversionFailure') throw error;
        return onError(scope);
      }
    };
  },
};

/** A converter answers `undefined` where the two types have no conversion. */
const CONVERTERS = {
  double: (value: BValue) => {
    const number = numberOf(value);
    return number === undefined ? undefined : double(inRange(decimal.exact(number), toNumber(number)));
  },
  decimal: (value: BValue) => {
    const number = numberOf(value);
    return number === undefined || number instanceof Decimal128 ? number : decimal.encode(toDecimal(number));
  },
  int: (value: BValue) => {
    const long = value instanceof Date ? undefined : wholeNumber(value);
    if (long === undefined) return undefined;
    // Of a double MongoDB compares the value, not what is left without the fraction.
    const compared = typeof value === 'number' ? value : long;
    if (compared > 0x7fffffff || compared < -0x80000000) throw overflow();
    return Number(long);
  },
  long: wholeNumber,
  bool: (value: BValue) => {
    if (typeof value === 'boolean') return value;
    return isNumber(value) ? !isZero(value) : true;
  },
  string: (value: BValue) => {
    if (typeName(value) === 'binData') throw unsupported('$convert from binData to string');
    return toText(value);
  },
  objectId: (value: BValue) => {
    if (typeof value !== 'string') return value instanceof ObjectId ? value : undefined;
    if (/^[0-9a-f]{24}$/i.test(value)) return ObjectId.createFromHexString(value);
    throw failure(`Failed to parse objectId '${value}': expected 24 hex digits`);
  },
  date: (value: BValue) => {
    if (typeof value === 'string') return parseDate(value);
    if (!isNumber(value) || typeName(value) === 'int') return dateOf(value);
    const date = new Date(Number(wholeNumber(value)));
    if (Number.isNaN(date.getTime())) throw unsupported('a date beyond the year 275760');
    return date;
  },
} satisfies Record<string, (value: BValue) => BValue | undefined>;

type Target = keyof typeof CONVERTERS;

function to(target: Target): OperatorCompiler {
  return strict(1, 1, ([value]) => convert(value!, target));
}

function targetType(value: BValue): Target {
  if (value instanceof BDoc) throw unsupported('$convert to a type with a subtype');
  if (typeof value !== 'string' && !isNumber(value))
    throw failedToParse("$convert's 'to' argument must be a string or number");
  const name = typeCalled(typeof value === 'string' ? value : toNumber(value));
  if (!name) throw badValue(`Unknown type name: ${describe(value)}`);
  if (name in CONVERTERS) return name as Target;
  throw unsupported(`$convert to ${name}`);
}

function failure(message: string): CommandError {
  return new CommandError('ConversionFailure', `${message} in $convert with no onError value`);
}

const overflow = (): CommandError => failure('Conversion would overflow target type');

function convert(value: BValue, target: Target): BValue {
  const converted = CONVERTERS[target](value);
  if (converted !== undefined) return converted;
  throw failure(`Unsupported conversion from ${typeName(value)} to ${target}`);
}

/** A number, boolean, date or the text of a number, exactly. */
function numberOf(value: BValue): NumericValue | undefined {
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Date) return BigInt(value.getTime());
  if (typeof value !== 'string') return isNumber(value) ? value : undefined;
  const text = value.replace(/inf$/i, 'Infinity').replace(/nan$/i, 'NaN');
  if (!/^([+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|Infinity)|NaN)$/i.test(text))
    throw failure(`Failed to parse number '${value}'`);
  const parsed = decimal.parseDecimal(text);
  // Below this no digit is left, and a power of ten with the exponent itself could have a billion digits.
  const bounded = { ...parsed, exponent: Math.max(parsed.exponent, -7000 - text.length) };
  return inRange(bounded, decimal.encode(bounded));
}

/** Refuses a number of which nothing or infinity is left in its new type. */
function inRange<T extends NumericValue>(value: decimal.Decimal, rounded: T): T {
  if ((value.coefficient === 0n) === (decimal.exact(rounded).coefficient === 0n)) return rounded;
  throw overflow();
}

function wholeNumber(value: BValue): bigint | undefined {
  if (typeof value === 'string' && !/^[+-]?\d+$/.test(value))
    throw failure(`Failed to parse number '${value}'`);
  const number = numberOf(value);
  const integer = number === undefined ? undefined : toInt64(number);
  if (integer === undefined && number !== undefined) throw overflow();
  return integer;
}
