import { Binary, Decimal128, ObjectId, Timestamp } from 'bson';
import { isZero, toDecimal, toInt64, toNumber } from '../bson/arithmetic.js';
import * as decimal from '../bson/decimal.js';
import { TYPE } from '../bson/layout.js';
import { isNullish, isNumber, typeName, typeNameOrMissing, type NumericValue } from '../bson/type-of.js';
import { double, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { parseDate } from './dates.js';
import { anyUnary, namedOperands, orElse, unary } from './operands.js';
import { toText } from './strings.js';

/** Type questions and conversions. */
export const CONVERSION: OperatorTable = {
  $type: anyUnary((a) => typeNameOrMissing(a)),
  $isNumber: anyUnary((a) => isNumber(a)),
  $toInt: to('int'),
  $toLong: to('long'),
  $toDouble: to('double'),
  $toDecimal: to('decimal'),
  $toString: to('string'),
  $toBool: to('bool'),
  $toDate: to('date'),
  $toObjectId: to('objectId'),
  $convert: (operand, compiler, name) => {
    const args = namedOperands(operand, name, ['input', 'to'], ['onError', 'onNull', 'format', 'byteOrder']);
    if (args.has('format') || args.has('byteOrder')) throw unsupported('$convert with format or byteOrder');
    const input = compiler.compile(args.get('input')!);
    const target = compiler.compile(args.get('to')!);
    const onNull = compiler.compile(args.get('onNull') ?? null);
    const onError = args.has('onError') ? compiler.compile(args.get('onError')!) : undefined;
    return (scope) => {
      const wanted = target(scope);
      const value = input(scope);
      const type = isNullish(wanted) ? null : targetType(wanted!);
      if (isNullish(value)) return onNull(scope);
      if (type === null) return null;
      return orElse(() => convert(value!, type), onError && ((): Value => onError(scope)));
    };
  },
};

/** A converter answers `undefined` where the two types have no conversion. */
const CONVERTERS = {
  double: (value: BValue) => {
    if (value instanceof Date) return double(value.getTime());
    if (typeof value === 'string') return double(parseNumber(value));
    const number = numeric(value);
    if (number === undefined) return undefined;
    const result = toNumber(number);
    const overflows = Math.abs(result) === Infinity && decimal.exact(number).special === undefined;
    if (overflows) throw failure('Conversion would overflow target type');
    return double(result);
  },
  decimal: (value: BValue) => {
    if (value instanceof Date) return decimal.encode(decimal.decimalOf(BigInt(value.getTime()), 0));
    if (typeof value === 'string') return decimal.encode(decimal.parseDecimal(numberText(value)));
    const number = numeric(value);
    if (number === undefined || number instanceof Decimal128) return number;
    return decimal.encode(toDecimal(number));
  },
  int: (value: BValue) => {
    const long = value instanceof Date ? undefined : wholeNumber(value);
    if (long === undefined) return undefined;
    if (long !== BigInt.asIntN(32, long)) throw failure('Conversion would overflow target type');
    return Number(long);
  },
  long: wholeNumber,
  bool: (value: BValue) => {
    if (typeof value === 'boolean') return value;
    if (isNumber(value)) return !isZero(value);
    return ['string', 'objectId', 'date', 'timestamp', 'binData'].includes(typeName(value))
      ? true
      : undefined;
  },
  string: (value: BValue) => {
    if (value instanceof Binary) throw unsupported('$convert from binData to string');
    return toText(value);
  },
  objectId: (value: BValue) => {
    if (typeof value !== 'string') return value instanceof ObjectId ? value : undefined;
    if (/^[0-9a-f]{24}$/i.test(value)) return ObjectId.createFromHexString(value);
    throw failure(`Failed to parse objectId '${value}': expected 24 hex digits`);
  },
  date: (value: BValue) => {
    if (value instanceof Date) return value;
    if (value instanceof ObjectId) return value.getTimestamp();
    if (value instanceof Timestamp) return new Date(value.t * 1000);
    if (typeof value === 'string') return parseDate(value, 0);
    if (!isNumber(value) || typeName(value) === 'int') return undefined;
    const date = new Date(Number(wholeNumber(value)));
    if (Number.isNaN(date.getTime())) throw unsupported('a date beyond the year 275760');
    return date;
  },
} satisfies Record<string, (value: BValue) => BValue | undefined>;

type Target = keyof typeof CONVERTERS;

function to(target: Target): OperatorCompiler {
  return unary((value) => convert(value, target));
}

function targetType(value: BValue): Target {
  const byCode = isNumber(value) && Object.entries(TYPE).find(([, code]) => code === toNumber(value))?.[0];
  const name = typeof value === 'string' ? value : byCode;
  if (!name) throw new CommandError('FailedToParse', "$convert's 'to' argument must be a string or number");
  if (name in CONVERTERS) return name as Target;
  if (name in TYPE) throw unsupported(`$convert to ${name}`);
  throw new CommandError('BadValue', `Unknown type name: ${name}`);
}

function failure(message: string): CommandError {
  return new CommandError('ConversionFailure', `${message} in $convert with no onError value`);
}

function convert(value: BValue, target: Target): BValue {
  const converted = CONVERTERS[target](value);
  if (converted !== undefined) return converted;
  throw failure(`Unsupported conversion from ${typeName(value)} to ${target}`);
}

function numeric(value: BValue): NumericValue | undefined {
  if (typeof value === 'boolean') return Number(value);
  return isNumber(value) ? value : undefined;
}

function wholeNumber(value: BValue): bigint | undefined {
  if (value instanceof Date) return BigInt(value.getTime());
  if (typeof value === 'string' && !/^[+-]?\d+$/.test(value))
    throw failure(`Failed to parse number '${value}'`);
  const number = typeof value === 'string' ? BigInt(value.replace('+', '')) : numeric(value);
  if (number === undefined) return undefined;
  const integer = toInt64(number);
  if (integer === undefined) throw failure('Conversion would overflow target type');
  return integer;
}

/** The text of a number, as `Number` and decimals read it. */
function numberText(text: string): string {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return text;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite) return `${infinite[1]}Infinity`;
  if (/^[+-]?nan$/i.test(text)) return 'NaN';
  throw failure(`Failed to parse number '${text}'`);
}

function parseNumber(text: string): number {
  const number = Number(numberText(text));
  if (Math.abs(number) === Infinity && /\d/.test(text))
    throw failure(`Failed to parse number '${text}': Out of range`);
  return number;
}
