import { Binary, BSONRegExp, BSONSymbol, Code, Decimal128, Double } from 'bson';
import { MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import { unsupported } from '../errors.js';
import type { Bytes } from './bytes.js';
import { DBPointer, double, typeName, UNDEFINED } from './type-of.js';
import type { BDoc, BValue } from './values.js';

/** What the server must know of one BSON type. Values stand without their type byte and name. */
interface BsonType {
  /** The type byte. */
  readonly code: number;
  /** Place in MongoDB's order between types; types of one rank compare by value. */
  readonly rank: number;
  /** Bytes of a value, without those that a leading int32 counts. Not true of a regex, which is two C strings. */
  readonly size: number;
  /** Whether there is such an int32, which may or may not count itself. */
  readonly counted: boolean;
  /** Appends a value. */
  readonly write: (out: Bytes, value: never) => void;
  /** Reads a value from valid bytes; documents, arrays and scopes are read by `BDoc`. */
  readonly read: (buf: Buffer, at: number) => BValue;
}

type Size = number | { readonly beside: number };

function type<V>(
  code: number,
  rank: number,
  size: Size,
  write: (out: Bytes, value: V) => void,
  read: (buf: Buffer, at: number) => BValue = readElsewhere,
): BsonType {
  const counted = typeof size !== 'number';
  return { code, rank, size: counted ? size.beside : size, counted, write, read };
}

const nothing = (): void => {};
const readElsewhere = (): never => {
  throw new TypeError('expected a value without nested documents');
};

/** All types by the names of `$type` and of error messages. Source: bsonspec.org, version 1.1. */
export const TYPES = {
  double: type<number | Double>(
    0x01,
    10,
    8,
    (out, value) => out.double(Number(value)),
    (buf, at) => double(buf.readDoubleLE(at)),
  ),
  string: type<string>(0x02, 15, { beside: 4 }, (out, value) => out.string(value), readString),
  object: type<BDoc>(0x03, 20, { beside: 0 }, (out, value) => value.writeTo(out)),
  array: type<BValue[]>(0x04, 25, { beside: 0 }, (out, values) => writeDocument(out, null, values)),
  binData: type<Binary>(0x05, 30, { beside: 5 }, writeBinary, (buf, at) => {
    return new Binary(buf.subarray(at + 5, at + 5 + buf.readInt32LE(at)), buf[at + 4]);
  }),
  undefined: type(0x06, 0, 0, nothing, () => UNDEFINED),
  objectId: type<ObjectId>(0x07, 35, 12, (out, value) => out.raw(value.id), readObjectId),
  bool: type<boolean>(
    0x08,
    40,
    1,
    (out, value) => out.byte(Number(value)),
    (buf, at) => buf[at] === 1,
  ),
  date: type<Date>(0x09, 45, 8, (out, value) => out.int64(BigInt(value.getTime())), readDate),
  null: type(0x0a, 5, 0, nothing, () => null),
  regex: type<BSONRegExp>(0x0b, 50, 0, writeRegex, readRegex),
  dbPointer: type<DBPointer>(0x0c, 55, { beside: 16 }, writePointer, (buf, at) => {
    return new DBPointer(readString(buf, at), readObjectId(buf, at + 4 + buf.readInt32LE(at)));
  }),
  javascript: type<Code>(
    0x0d,
    60,
    { beside: 4 },
    (out, value) => out.string(value.code),
    (buf, at) => new Code(readString(buf, at)),
  ),
  symbol: type<BSONSymbol>(
    0x0e,
    15,
    { beside: 4 },
    (out, value) => out.string(value.value),
    (buf, at) => new BSONSymbol(readString(buf, at)),
  ),
  javascriptWithScope: type<Code>(0x0f, 65, { beside: 0 }, writeCodeWithScope),
  int: type<number>(
    0x10,
    10,
    4,
    (out, value) => out.int32(value),
    (buf, at) => buf.readInt32LE(at),
  ),
  timestamp: type<Timestamp>(
    0x11,
    47,
    8,
    (out, value) => out.int64(value.toBigInt()),
    (buf, at) => new Timestamp(buf.readBigUInt64LE(at)),
  ),
  long: type<bigint>(
    0x12,
    10,
    8,
    (out, value) => out.int64(value),
    (buf, at) => buf.readBigInt64LE(at),
  ),
  decimal: type<Decimal128>(
    0x13,
    10,
    16,
    (out, value) => out.raw(value.bytes),
    (buf, at) => new Decimal128(buf.subarray(at, at + 16)),
  ),
  minKey: type(-1, -1, 0, nothing, () => new MinKey()),
  maxKey: type(0x7f, 127, 0, nothing, () => new MaxKey()),
};

/** Name that `$type` uses for a BSON type, also the name in error messages. */
export type TypeName = keyof typeof TYPES;

const BY_CODE: BsonType[] = [];
for (const one of Object.values(TYPES)) BY_CODE[one.code & 0xff] = one;

/** The type of a type byte; `undefined` if there is none. */
export function typeOfByte(byte: number): BsonType | undefined {
  return BY_CODE[byte];
}

/** The type that `$type` and `$convert` call by this name or number. */
export function typeCalled(nameOrCode: string | number): TypeName | undefined {
  const names = Object.keys(TYPES) as TypeName[];
  return names.find((name) => name === nameOrCode || TYPES[name].code === nameOrCode);
}

/** Rank of a value. A missing one ranks with the deprecated `undefined`, below null. */
export function typeRank(value: BValue | undefined): number {
  return TYPES[value === undefined ? 'undefined' : typeName(value)].rank;
}

/** Appends a document; without names an array. */
export function writeDocument(out: Bytes, names: readonly string[] | null, values: readonly BValue[]): void {
  const start = out.take(4);
  for (let i = 0; i < values.length; i++) {
    const { code, write } = TYPES[typeName(values[i]!)];
    out.byte(code);
    out.cstring(names ? names[i]! : String(i));
    write(out, values[i]! as never);
  }
  out.byte(0);
  out.setInt32(start, out.length - start);
}

function writeBinary(out: Bytes, value: Binary): void {
  out.int32(value.position);
  out.byte(value.sub_type);
  out.raw(value.buffer.subarray(0, value.position));
}

function writeRegex(out: Bytes, value: BSONRegExp): void {
  out.cstring(value.pattern);
  out.cstring(value.options);
}

function writePointer(out: Bytes, value: DBPointer): void {
  out.string(value.ns);
  out.raw(value.id.id);
}

function writeCodeWithScope(out: Bytes, value: Code): void {
  const start = out.take(4);
  out.string(value.code);
  (value.scope as BDoc).writeTo(out);
  out.setInt32(start, out.length - start);
}

export function readString(buf: Buffer, at: number): string {
  return buf.toString('utf8', at + 4, at + 3 + buf.readInt32LE(at));
}

function readObjectId(buf: Buffer, at: number): ObjectId {
  return new ObjectId(buf.subarray(at, at + 12));
}

const MAX_DATE_MS = 8.64e15;

function readDate(buf: Buffer, at: number): Date {
  const ms = buf.readInt32LE(at + 4) * 0x1_0000_0000 + buf.readUInt32LE(at);
  if (Math.abs(ms) > MAX_DATE_MS) throw unsupported(`a date ${ms} ms from 1970, beyond the year 275760,`);
  return new Date(ms);
}

function readRegex(buf: Buffer, at: number): BSONRegExp {
  const options = buf.indexOf(0, at) + 1;
  const regex = new BSONRegExp(buf.toString('utf8', at, options - 1));
  // Set directly because the constructor sorts and checks the options, which would change the stored bytes.
  regex.options = buf.toString('utf8', options, buf.indexOf(0, options));
  return regex;
}
