import type { Binary, BSONRegExp, BSONSymbol, Code, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import type { Bytes } from './bytes.js';
import { typeName, type DBPointer } from './type-of.js';
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
}

const fixed = (code: number, rank: number, size: number): BsonType => ({ code, rank, size, counted: false });
const counted = (code: number, rank: number, size: number): BsonType => ({ code, rank, size, counted: true });

/** All types by the names of `$type` and of error messages. Source: bsonspec.org, version 1.1. */
export const TYPES = {
  double: fixed(0x01, 10, 8),
  string: counted(0x02, 15, 4),
  object: counted(0x03, 20, 0),
  array: counted(0x04, 25, 0),
  binData: counted(0x05, 30, 5),
  undefined: fixed(0x06, 0, 0),
  objectId: fixed(0x07, 35, 12),
  bool: fixed(0x08, 40, 1),
  date: fixed(0x09, 45, 8),
  null: fixed(0x0a, 5, 0),
  regex: fixed(0x0b, 50, 0),
  dbPointer: counted(0x0c, 55, 16),
  javascript: counted(0x0d, 60, 4),
  symbol: counted(0x0e, 15, 4),
  javascriptWithScope: counted(0x0f, 65, 0),
  int: fixed(0x10, 10, 4),
  timestamp: fixed(0x11, 47, 8),
  long: fixed(0x12, 10, 8),
  decimal: fixed(0x13, 10, 16),
  minKey: fixed(-1, -1, 0),
  maxKey: fixed(0x7f, 127, 0),
};

/** Name that `$type` uses for a BSON type, also the name in error messages. */
export type TypeName = keyof typeof TYPES;

/** Types by their type byte. */
export const TYPE_OF_BYTE: BsonType[] = [];
for (const one of Object.values(TYPES)) TYPE_OF_BYTE[one.code & 0xff] = one;

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
    const type = typeName(values[i]!);
    out.byte(TYPES[type].code);
    out.cstring(names ? names[i]! : String(i));
    WRITE[type](out, values[i]! as never);
  }
  out.byte(0);
  out.setInt32(start, out.length - start);
}

const nothing = (): void => {};

/** Append a value. */
const WRITE: Readonly<Record<TypeName, (out: Bytes, value: never) => void>> = {
  double: (out, value: number | Double) => out.double(Number(value)),
  string: (out, value: string) => out.string(value),
  object: (out, value: BDoc) => value.writeTo(out),
  array: (out, values: BValue[]) => writeDocument(out, null, values),
  binData: (out, value: Binary) => {
    out.int32(value.position);
    out.byte(value.sub_type);
    out.raw(value.buffer.subarray(0, value.position));
  },
  undefined: nothing,
  objectId: (out, value: ObjectId) => out.raw(value.id),
  bool: (out, value: boolean) => out.byte(Number(value)),
  date: (out, value: Date) => out.int64(BigInt(value.getTime())),
  null: nothing,
  regex: (out, value: BSONRegExp) => {
    out.cstring(value.pattern);
    out.cstring(value.options);
  },
  dbPointer: (out, value: DBPointer) => {
    out.string(value.ns);
    out.raw(value.id.id);
  },
  javascript: (out, value: Code) => out.string(value.code),
  symbol: (out, value: BSONSymbol) => out.string(value.value),
  javascriptWithScope: (out, value: Code) => {
    const start = out.take(4);
    out.string(value.code);
    (value.scope as BDoc).writeTo(out);
    out.setInt32(start, out.length - start);
  },
  int: (out, value: number) => out.int32(value),
  timestamp: (out, value: Timestamp) => out.int64(value.toBigInt()),
  long: (out, value: bigint) => out.int64(value),
  decimal: (out, value: Decimal128) => out.raw(value.bytes),
  minKey: nothing,
  maxKey: nothing,
};
