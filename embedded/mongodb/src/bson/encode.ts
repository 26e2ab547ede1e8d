import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'bson';
import { CommandError } from '../errors.js';
import { TYPE } from './layout.js';
import type { BDoc, BValue, DBPointer, Undefined } from './values.js';

/** Internal documents (oplog entries, replies' parts) may exceed the 16 MB of a user document; 48 MB is one message. */
const MAX_BYTES = 48_000_000;

let scratch: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
let busy = false;

/** Appends BSON to a buffer that grows and is reused from one document to the next. */
export class Writer {
  private at = 0;

  private constructor(private buf: Buffer) {}

  /** The bytes that `write` appends, in a buffer of their own. */
  static encode(write: (writer: Writer) => void): Buffer {
    const nested = busy;
    const writer = new Writer(nested ? Buffer.allocUnsafeSlow(1024) : scratch);
    busy = true;
    try {
      write(writer);
      return Buffer.from(writer.buf.subarray(0, writer.at));
    } finally {
      busy = nested;
      if (!nested && writer.buf.length <= 1024 * 1024) scratch = writer.buf;
    }
  }

  copy(from: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    from.copy(this.buf, this.at, start, end);
    this.at += end - start;
  }

  document(names: readonly string[], values: readonly BValue[]): void {
    const start = this.open();
    for (let i = 0; i < names.length; i++) this.element(names[i]!, values[i]!);
    this.close(start);
  }

  private array(values: readonly BValue[]): void {
    const start = this.open();
    for (let i = 0; i < values.length; i++) this.element(String(i), values[i]!);
    this.close(start);
  }

  private element(name: string, value: BValue): void {
    this.reserve(1);
    const type = this.at++;
    this.cstring(name);
    // Two steps: writing the value may replace the buffer.
    const code = this.value(value);
    this.buf[type] = code;
  }

  private value(value: BValue): number {
    switch (typeof value) {
      case 'string':
        return this.string(TYPE.string, value);
      case 'number':
        return this.number(value);
      case 'boolean':
        this.reserve(1);
        this.buf[this.at++] = value ? 1 : 0;
        return TYPE.bool;
      case 'bigint':
        this.reserve(8);
        this.at = this.buf.writeBigInt64LE(value, this.at);
        return TYPE.long;
      default:
        return value === null ? TYPE.null : this.object(value);
    }
  }

  private object(value: Exclude<BValue, string | number | boolean | bigint | null>): number {
    if (Array.isArray(value)) {
      this.array(value);
      return TYPE.array;
    }
    switch (value.constructor) {
      case Date:
        this.reserve(8);
        this.at = this.buf.writeBigInt64LE(BigInt((value as Date).getTime()), this.at);
        return TYPE.date;
      case ObjectId:
        return this.bytes(TYPE.objectId, (value as ObjectId).id);
      case Double:
        return this.double((value as Double).value);
      case Decimal128:
        return this.bytes(TYPE.decimal, (value as Decimal128).bytes);
      case Binary:
        return this.binary(value as Binary);
      case Timestamp:
        this.reserve(8);
        this.at = this.buf.writeBigUInt64LE(
          (value as Timestamp).toBigInt() & 0xffff_ffff_ffff_ffffn,
          this.at,
        );
        return TYPE.timestamp;
      case BSONRegExp:
        this.cstring((value as BSONRegExp).pattern);
        this.cstring((value as BSONRegExp).options);
        return TYPE.regex;
      case Code:
        return this.code(value as Code);
      case BSONSymbol:
        return this.string(TYPE.symbol, (value as BSONSymbol).value);
      case MinKey:
        return 0xff;
      case MaxKey:
        return TYPE.maxKey;
      default:
        return this.ownClass(value as BDoc | DBPointer | Undefined);
    }
  }

  private ownClass(value: BDoc | DBPointer | Undefined): number {
    if ('writeTo' in value) {
      value.writeTo(this);
      return TYPE.object;
    }
    if ('ns' in value) {
      this.string(TYPE.dbPointer, value.ns);
      return this.bytes(TYPE.dbPointer, value.id.id);
    }
    if ('isUndefined' in value) return TYPE.undefined;
    throw new TypeError(`expected a BSON value, got a ${(value as object).constructor.name}`);
  }

  private number(value: number): number {
    if ((value | 0) !== value || Object.is(value, -0)) return this.double(value);
    this.reserve(4);
    this.at = this.buf.writeInt32LE(value, this.at);
    return TYPE.int;
  }

  private double(value: number): number {
    this.reserve(8);
    this.at = this.buf.writeDoubleLE(value, this.at);
    return TYPE.double;
  }

  private binary(value: Binary): number {
    const bytes = value.buffer.subarray(0, value.position);
    this.reserve(5);
    this.at = this.buf.writeInt32LE(bytes.length, this.at);
    this.buf[this.at++] = value.sub_type;
    return this.bytes(TYPE.binData, bytes);
  }

  private code(value: Code): number {
    if (!value.scope) return this.string(TYPE.javascript, value.code);
    const start = this.open();
    this.string(TYPE.javascript, value.code);
    (value.scope as BDoc).writeTo(this);
    this.buf.writeInt32LE(this.at - start, start);
    return TYPE.javascriptWithScope;
  }

  private bytes(type: number, bytes: Uint8Array): number {
    this.reserve(bytes.length);
    this.buf.set(bytes, this.at);
    this.at += bytes.length;
    return type;
  }

  private string(type: number, value: string): number {
    const room = value.length * 3 + 5;
    this.reserve(room);
    const length = this.buf.write(value, this.at + 4, 'utf8');
    this.buf.writeInt32LE(length + 1, this.at);
    this.at += length + 5;
    this.buf[this.at - 1] = 0;
    return type;
  }

  private cstring(value: string): void {
    if (value.includes('\0')) {
      throw new CommandError(
        'BadValue',
        `A field name or regular expression must not contain a null byte: ${value}`,
      );
    }
    this.reserve(value.length * 3 + 1);
    this.at += this.buf.write(value, this.at, 'utf8');
    this.buf[this.at++] = 0;
  }

  private open(): number {
    this.reserve(4);
    this.at += 4;
    return this.at - 4;
  }

  private close(start: number): void {
    this.reserve(1);
    this.buf[this.at++] = 0;
    this.buf.writeInt32LE(this.at - start, start);
  }

  private reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.buf.length) return;
    if (this.at > MAX_BYTES) {
      throw new CommandError(
        'BSONObjectTooLarge',
        `A document must not exceed ${MAX_BYTES} bytes, got more than ${this.at}`,
      );
    }
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buf.length * 2));
    this.buf.copy(larger, 0, 0, this.at);
    this.buf = larger;
  }
}
