import { CommandError, badValue } from '../errors.js';

/** Internal documents (oplog entries, replies' parts) may exceed the 16 MB of a user document; 48 MB is one message. */
const MAX_BYTES = 48_000_000;
/** A buffer that grew beyond this is not kept for the next encoding. */
const KEPT_BYTES = 1024 * 1024;

/** Taken while an encoding runs, so that one inside another gets a buffer of its own. */
let scratch: Buffer | null = null;

/** Appends to a buffer that grows and is reused from one encoding to the next. */
export class Bytes {
  length = 0;

  private constructor(private buf: Buffer) {}

  /** The bytes that `write` appends, in a buffer of their own. */
  static encode(write: (out: Bytes) => void): Buffer {
    const out = new Bytes(scratch ?? Buffer.allocUnsafeSlow(1024));
    scratch = null;
    try {
      write(out);
      return Buffer.from(out.buf.subarray(0, out.length));
    } finally {
      if (out.buf.length <= KEPT_BYTES) scratch = out.buf;
    }
  }

  byte(value: number): void {
    const at = this.take(1);
    this.buf[at] = value;
  }

  int32(value: number): void {
    const at = this.take(4);
    this.buf.writeInt32LE(value, at);
  }

  setInt32(at: number, value: number): void {
    this.buf.writeInt32LE(value, at);
  }

  double(value: number): void {
    const at = this.take(8);
    this.buf.writeDoubleLE(value, at);
  }

  int64(value: bigint): void {
    const at = this.take(8);
    this.buf.writeBigUInt64LE(BigInt.asUintN(64, value), at);
  }

  uint32BE(value: number): void {
    const at = this.take(4);
    this.buf.writeUInt32BE(value, at);
  }

  doubleBE(value: number): void {
    const at = this.take(8);
    this.buf.writeDoubleBE(value, at);
  }

  uint64BE(value: bigint): void {
    const at = this.take(8);
    this.buf.writeBigUInt64BE(BigInt.asUintN(64, value), at);
  }

  raw(bytes: Uint8Array): void {
    const at = this.take(bytes.length);
    this.buf.set(bytes, at);
  }

  utf8(text: string): void {
    const room = text.length * 3;
    const at = this.take(room);
    this.length = at + this.buf.write(text, at, 'utf8');
  }

  /** A BSON string: its length, the text, a zero byte. */
  string(text: string): void {
    const start = this.take(4);
    this.utf8(text);
    this.byte(0);
    this.setInt32(start, this.length - start - 4);
  }

  /** A field name or part of a regular expression: the text and a zero byte. */
  cstring(text: string): void {
    if (text.includes('\0')) throw badValue(`A field name or regular expression has a null byte: ${text}`);
    this.utf8(text);
    this.byte(0);
  }

  invert(from: number): void {
    for (let at = from; at < this.length; at++) this.buf[at] = ~this.buf[at]! & 0xff;
  }

  /** Makes room; returns where it begins. */
  take(size: number): number {
    const at = this.length;
    const needed = at + size;
    if (needed > this.buf.length) this.grow(needed);
    this.length = needed;
    return at;
  }

  private grow(needed: number): void {
    if (this.length > MAX_BYTES)
      throw new CommandError('BSONObjectTooLarge', `A document must not exceed ${MAX_BYTES} bytes`);
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buf.length * 2));
    this.buf.copy(larger, 0, 0, this.length);
    this.buf = larger;
  }
}
