import { Binary, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import { isZero, toDecimal, toNumber } from '../bson/arithmetic.js';
import * as decimal from '../bson/decimal.js';
import { TYPE, type TypeName } from '../bson/layout.js';
import { isNullish, isNumber, typeName, typeNameOrMissing } from '../bson/type-of.js';
import { double, type BValue } from '../bson/values.js';
import { CommandError, unsupported } from '../errors.js';
import { toInt64 } from '../bson/arithmetic.js';
import type { OperatorCompiler, OperatorTable, Value } from './compiler.js';
import { parseIsoDate } from './date-parsing.js';
import { namedOperands, unary } from './operands.js';
import { toText } from './to-text.js';

/** Type questions and conversions. */
export const CONVERSION: OperatorTable = {
  $type: unary((a) => typeNameOrMissing(a)),
  $isNumber: unary((a) => isNumber(a)),
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
    const onNull = args.has('onNull') ? compiler.compile(args.get('onNull')!) : (): Value => null;
    const onError = args.has('onError') ? compiler.compile(args.get('onError')!) : undefined;
    return (scope) => {
      const wanted = target(scope);
      const value = input(scope);
      const type = isNullish(wanted) ? null : targetType(wanted!);
      if (isNullish(value)) return onNull(scope);
      if (type === null) return null;
      if (!onError) return convert(value!, type);
      try {
        return convert(value!, type);
      } catch (error) {
        if (error instanceof CommandError && error.codeName === 'ConversionFailure') return onError(scope);
        throw error;
      }
    };
  },
};

type Target = 'double' | 'string' | 'objectId' | 'bool' | 'date' | 'int' | 'long' | 'decimal';
const TARGETS: readonly string[] = ['double', 'string', 'objectId', 'bool', 'date', 'int', 'long', 'decimal'];

function to(target: Target): OperatorCompiler {
  return unary((value) => (isNullish(value) ? null : convert(value!, target)));
}

function targetType(value: BValue): Target {
  const byCode = isNumber(value)
    ? Object.entries(TYPE).find(([, code]) => code === toNumber(value))?.[0]
    : undefined;
  const name = typeof value === 'string' ? value : byCode;
  if (name === undefined)
    throw new CommandError('FailedToParse', "$convert's 'to' argument must be a string or number");
  if (TARGETS.includes(name)) return name as Target;
  if (name in TYPE) throw unsupported(`$convert to ${name}`);
  throw new CommandError('BadValue', `Unknown type name: ${name}`);
}

function failure(message: string): CommandError {
  return new CommandError('ConversionFailure', `${message} in $convert with no onError value`);
}

function convert(value: BValue, target: Target): BValue {
  const converted = CONVERTERS[target](value, typeName(value));
  if (converted !== undefined) return converted;
  throw failure(`Unsupported conversion from ${typeName(value)} to ${target}`);
}

/** A converter answers `undefined` where the two types have no conversion. */
const CONVERTERS: Record<Target, (value: BValue, type: TypeName) => BValue | undefined> = {
  double: (value) => {
    if (value instanceof Date) return double(value.getTime());
    if (typeof value === 'string') return double(parseNumber(value));
    const number = numeric(value);
    if (number === undefined) return undefined;
    const result = toNumber(number);
    if (
      number instanceof Decimal128 &&
      !Number.isFinite(result) &&
      decimal.decode(number).special === undefined
    ) {
      throw failure('Conversion would overflow target type');
    }
    return double(result);
  },
  decimal: (value) => {
    if (value instanceof Decimal128) return value;
    if (value instanceof Date) return decimal.encode(decimal.decimalOf(BigInt(value.getTime()), 0));
    if (typeof value === 'string') return parseDecimalText(value);
    const number = numeric(value);
    return number === undefined ? undefined : decimal.encode(toDecimal(number));
  },
  int: (value) => {
    const long = wholeNumber(value, false);
    if (long === undefined) return undefined;
    if (long !== BigInt.asIntN(32, long)) throw failure('Conversion would overflow target type');
    return Number(long);
  },
  long: (value) => wholeNumber(value, true),
  bool: (value, type) => {
    if (typeof value === 'boolean') return value;
    if (isNumber(value)) return !isZero(value);
    return ['string', 'objectId', 'date', 'timestamp', 'binData'].includes(type) ? true : undefined;
  },
  string: (value) => {
    if (value instanceof Binary) throw unsupported('$convert from binData to string');
    return value instanceof Timestamp ? undefined : toText(value);
  },
  objectId: (value) => {
    if (value instanceof ObjectId) return value;
    if (typeof value !== 'string') return undefined;
    if (/^[0-9a-f]{24}$/i.test(value)) return ObjectId.createFromHexString(value);
    throw failure(
      `Failed to parse objectId '${value}': Invalid string length or character for parsing to OID, expected 24 hex digits`,
    );
  },
  date: (value, type) => {
    if (value instanceof Date) return value;
    if (value instanceof ObjectId) return value.getTimestamp();
    if (value instanceof Timestamp) return new Date(value.t * 1000);
    if (typeof value === 'string') return parseIsoDate(value, 'UTC');
    if (type !== 'long' && type !== 'double' && type !== 'decimal') return undefined;
    const date = new Date(Number(wholeNumber(value, true)));
    if (Number.isNaN(date.getTime())) throw unsupported('a date beyond the year 275760');
    return date;
  },
};

function numeric(value: BValue): number | bigint | Double | Decimal128 | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return isNumber(value) ? value : undefined;
}

function wholeNumber(value: BValue, dates: boolean): bigint | undefined {
  if (dates && value instanceof Date) return BigInt(value.getTime());
  if (typeof value === 'string') return parseInteger(value);
  const number = numeric(value);
  if (number === undefined) return undefined;
  if (!(number instanceof Decimal128) && !Number.isFinite(toNumber(number))) {
    throw failure('Attempt to convert NaN or infinity value to integer type');
  }
  const integer = toInt64(number);
  if (integer === undefined) throw failure('Conversion would overflow target type');
  return integer;
}

function parseInteger(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw failure(`Failed to parse number '${text}'`);
  const integer = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(64, integer) !== integer) throw failure(`Failed to parse number '${text}': Overflow`);
  return integer;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;

function parseNumber(text: string): number {
  if (NUMBER.test(text)) {
    const number = Number(text);
    if (Number.isFinite(number)) return number;
    throw failure(`Failed to parse number '${text}': Out of range`);
  }
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(text)) return NaN;
  throw failure(`Failed to parse number '${text}'`);
}

function parseDecimalText(text: string): Decimal128 {
  if (NUMBER.test(text)) return decimal.encode(decimal.parseDecimal(text));
  const infinite = INFINITE.exec(text);
  if (infinite) return decimal.encode(decimal.parseDecimal(`${infinite[1]}Infinity`));
  if (/^[+-]?nan$/i.test(text)) return decimal.encode(decimal.parseDecimal('NaN'));
  throw failure(`Failed to parse number '${text}'`);
}
