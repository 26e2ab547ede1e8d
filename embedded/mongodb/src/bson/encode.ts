import type { Binary, BSONRegExp, BSONSymbol, Code, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import { CommandError } from '../errors.js';
import type { Bytes } from './bytes.js';
import { TYPE, type TypeName } from './layout.js';
import { typeName } from './type-of.js';
import type { BDoc, BValue, DBPointer } from './values.js';

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
  timestamp: (out, value: Timestamp) => {
    out.int32(value.low);
    out.int32(value.high);
  },
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
