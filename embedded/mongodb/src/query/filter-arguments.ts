import { Binary, Decimal128, Double } from 'bson';
import { TYPE } from '../bson/layout.js';
import { isNumber, typeCode, typeName } from '../bson/type-of.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';

const bad = (message: string): CommandError => new CommandError('BadValue', message);

const NUMBER_CODES = [TYPE.int, TYPE.long, TYPE.double, TYPE.decimal];

/** The number as a double; NaN for anything else. */
export function asNumber(value: BValue | undefined): number {
  return isNumber(value) ? Number(value instanceof Decimal128 ? value.toString() : value) : NaN;
}

/** An integral number of any type as a safe integer; `undefined` for anything else. */
export function asInteger(value: BValue | undefined): number | undefined {
  const number = asNumber(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

export function asSize(value: BValue): number {
  const size = asInteger(value);
  if (size === undefined) {
    throw bad(`Failed to parse $size. Expected an integer, got a ${typeName(value)}`);
  }
  if (size < 0) throw bad(`Failed to parse $size. Expected a non-negative number in: $size: ${size}`);
  return size;
}

/** Argument of `$type`: a code, a name, `number`, or a list of them. */
export function asTypes(path: string, value: BValue): Set<number> {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new CommandError('FailedToParse', `${path} must match at least one type`);
  return new Set(list.flatMap(typeCodes));
}

function typeCodes(value: BValue): number[] {
  if (typeof value === 'string') {
    const code = value === 'number' ? NUMBER_CODES : typeCode(value);
    if (code === undefined) throw bad(`Unknown type name alias: ${value}`);
    return typeof code === 'number' ? [code] : code;
  }
  if (!isNumber(value))
    throw new CommandError('TypeMismatch', 'type must be represented as a number or a string');
  const code = asNumber(value);
  if (code === 0) throw new CommandError('FailedToParse', '$type: 0 is not supported: use {$exists: false}');
  if (!Object.values<number>(TYPE).includes(code)) throw bad(`Invalid numerical type code: ${code}`);
  return [code];
}

/** Argument of `$mod`; both numbers lose their fraction. */
export function asMod(value: BValue): { divisor: bigint; remainder: bigint } {
  if (!Array.isArray(value)) throw bad('malformed mod, needs to be an array');
  if (value.length < 2) throw bad('malformed mod, not enough elements');
  if (value.length > 2) throw bad('malformed mod, too many elements');
  const divisor = truncated(value[0]!, 'divisor');
  const remainder = truncated(value[1]!, 'remainder');
  if (divisor === 0n) throw bad('divisor cannot be 0');
  return { divisor, remainder };
}

function truncated(value: BValue, name: string): bigint {
  if (!isNumber(value)) throw bad(`malformed mod, ${name} not a number`);
  const integer = toInt64(value);
  if (integer === undefined)
    throw bad(`malformed mod, ${name} value is invalid :: caused by :: out of range`);
  return integer;
}

/** The number without its fraction; `undefined` where an int64 cannot hold it. */
export function toInt64(value: BValue): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (value instanceof Decimal128) return decimalToInt64(value);
  const number = value instanceof Double ? value.value : (value as number);
  return Math.abs(number) < 2 ** 63 ? BigInt(Math.trunc(number)) : undefined;
}

function decimalToInt64(value: Decimal128): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]\d+))?$/.exec(value.toString());
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point > 40) return undefined;
  const integer = BigInt(sign + (point <= 0 ? '0' : digits.padEnd(point, '0').slice(0, point)));
  return BigInt.asIntN(64, integer) === integer ? integer : undefined;
}

/** Argument of the `$bits...` operators, as the positions of the bits. */
export function asBits(operator: string, value: BValue): number[] {
  if (Array.isArray(value)) return value.map((one) => bitPosition(operator, one));
  if (value instanceof Binary) {
    return [...value.buffer.subarray(0, value.position)].flatMap((byte, at) => setBits(BigInt(byte), at * 8));
  }
  const mask = isNumber(value) && asInteger(value) !== undefined ? toInt64(value) : undefined;
  if (mask === undefined && typeof value !== 'bigint') {
    throw bad(`${operator} takes an Array, a number, or a BinData but received: ${typeName(value)}`);
  }
  const bits = mask ?? (value as bigint);
  if (bits < 0n) throw bad(`Expected a non-negative number in: ${operator}: ${bits}`);
  return setBits(bits, 0);
}

function bitPosition(operator: string, value: BValue): number {
  const position = asInteger(value);
  if (position !== undefined && position >= 0) return position;
  throw bad(`Failed to parse bit position. Expected a non-negative integer in: ${operator}`);
}

function setBits(bits: bigint, offset: number): number[] {
  const positions: number[] = [];
  for (let at = 0; bits >> BigInt(at) !== 0n; at++) {
    if ((bits >> BigInt(at)) & 1n) positions.push(offset + at);
  }
  return positions;
}
