import type { Double } from 'bson';
import { Binary, BSONRegExp, BSONSymbol, Code, Decimal128, MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import { CommandError, unsupported } from '../errors.js';
import type { Bytes } from './bytes.js';
import { endOfCString, TYPE, walk, type TypeName } from './layout.js';
import { typeName } from './type-of.js';
import { BDoc, DBPointer, double, UNDEFINED, type BValue } from './values.js';

const MAX_DATE_MS = 8.64e15;

type Reader = (buf: Buffer, at: number) => BValue;

/** How the value at an offset is read. The bytes are valid BSON (see validateBson). */
const READERS: Record<TypeName, Reader> = {
  double: (buf, at) => double(buf.readDoubleLE(at)),
  string: readString,
  object: (buf, at) => BDoc.view(buf, at, at + buf.readInt32LE(at)),
  array: readArray,
  binData: (buf, at) => new Binary(buf.subarray(at + 5, at + 5 + buf.readInt32LE(at)), buf[at + 4]),
  undefined: () => UNDEFINED,
  objectId: (buf, at) => new ObjectId(buf.subarray(at, at + 12)),
  bool: (buf, at) => buf[at] === 1,
  date: readDate,
  null: () => null,
  regex: readRegex,
  dbPointer: (buf, at) => {
    const id = at + 4 + buf.readInt32LE(at);
    return new DBPointer(readString(buf, at), new ObjectId(buf.subarray(id, id + 12)));
  },
  javascript: (buf, at) => new Code(readString(buf, at)),
  symbol: (buf, at) => new BSONSymbol(readString(buf, at)),
  javascriptWithScope: (buf, at) => {
    const scope = at + 8 + buf.readInt32LE(at + 4);
    const code = new Code(readString(buf, at + 4));
    code.scope = BDoc.view(buf, scope, scope + buf.readInt32LE(scope));
    return code;
  },
  int: (buf, at) => buf.readInt32LE(at),
  timestamp: (buf, at) => new Timestamp(buf.readBigUInt64LE(at)),
  long: (buf, at) => buf.readBigInt64LE(at),
  decimal: (buf, at) => new Decimal128(buf.subarray(at, at + 16)),
  minKey: () => new MinKey(),
  maxKey: () => new MaxKey(),
};

const BY_TYPE_BYTE: Reader[] = [];
for (const [name, read] of Object.entries(READERS)) BY_TYPE_BYTE[TYPE[name as TypeName] & 0xff] = read;

/** The value of type byte `type` at `at`. */
export function readValue(buf: Buffer, type: number, at: number): BValue {
  if (type === TYPE.int) return buf.readInt32LE(at);
  if (type === TYPE.string) return readString(buf, at);
  return BY_TYPE_BYTE[type]!(buf, at);
}

function readString(buf: Buffer, at: number): string {
  return buf.toString('utf8', at + 4, at + 3 + buf.readInt32LE(at));
}

function readArray(buf: Buffer, at: number): BValue[] {
  const values: BValue[] = [];
  walk(buf, at, (type, _name, value) => values.push(readValue(buf, type, value)));
  return values;
}

function readDate(buf: Buffer, at: number): Date {
  const ms = buf.readInt32LE(at + 4) * 0x1_0000_0000 + buf.readUInt32LE(at);
  if (Math.abs(ms) > MAX_DATE_MS) throw unsupported(`a date ${ms} ms from 1970, beyond the year 275760,`);
  return new Date(ms);
}

function readRegex(buf: Buffer, at: number): BSONRegExp {
  const options = endOfCString(buf, at);
  const regex = new BSONRegExp(buf.toString('utf8', at, options - 1));
  // Set directly because the constructor sorts and checks the options, which would change the stored bytes.
  regex.options = buf.toString('utf8', options, endOfCString(buf, options) - 1);
  return regex;
}

/** How a value is appended, without its type byte and name. */
const WRITERS: Record<TypeName, (out: Bytes, value: never) => void> = {
  double: (out, value: number | Double) => out.double(Number(value)),
  string: writeString,
  object: (out, value: BDoc) => value.writeTo(out),
  array: (out, values: BValue[]) => writeDocument(out, null, values),
  binData: (out, value: Binary) => {
    out.int32(value.position);
    out.byte(value.sub_type);
    out.raw(value.buffer.subarray(0, value.position));
  },
  undefined: () => {},
  objectId: (out, value: ObjectId) => out.raw(value.id),
  bool: (out, value: boolean) => out.byte(Number(value)),
  date: (out, value: Date) => out.int64(BigInt(value.getTime())),
  null: () => {},
  regex: (out, value: BSONRegExp) => {
    writeCString(out, value.pattern);
    writeCString(out, value.options);
  },
  dbPointer: (out, value: DBPointer) => {
    writeString(out, value.ns);
    out.raw(value.id.id);
  },
  javascript: (out, value: Code) => writeString(out, value.code),
  symbol: (out, value: BSONSymbol) => writeString(out, value.value),
  javascriptWithScope: (out, value: Code) => {
    const start = out.take(4);
    writeString(out, value.code);
    (value.scope as BDoc).writeTo(out);
    out.setInt32(start, out.length - start);
  },
  int: (out, value: number) => out.int32(value),
  timestamp: (out, value: Timestamp) => out.int64(value.toBigInt()),
  long: (out, value: bigint) => out.int64(value),
  decimal: (out, value: Decimal128) => out.raw(value.bytes),
  minKey: () => {},
  maxKey: () => {},
};

/** Appends a document; without names an array. */
export function writeDocument(out: Bytes, names: readonly string[] | null, values: readonly BValue[]): void {
  const start = out.take(4);
  for (let i = 0; i < values.length; i++) {
    const type = typeName(values[i]!);
    out.byte(TYPE[type]);
    writeCString(out, names ? names[i]! : String(i));
    (WRITERS[type] as (out: Bytes, value: BValue) => void)(out, values[i]!);
  }
  out.byte(0);
  out.setInt32(start, out.length - start);
}

function writeString(out: Bytes, text: string): void {
  const start = out.take(4);
  out.utf8(text);
  out.byte(0);
  out.setInt32(start, out.length - start - 4);
}

function writeCString(out: Bytes, text: string): void {
  if (text.includes('\0')) {
    throw new CommandError('BadValue', `A field name or regular expression has a null byte: ${text}`);
  }
  out.utf8(text);
  out.byte(0);
}
