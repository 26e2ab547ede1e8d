import type { Binary, BSONRegExp, BSONSymbol, Code, ObjectId, Timestamp } from 'bson';
import { Double } from 'bson';
import { typeRank } from './compare.js';
import type { Finite } from './decimal.js';
import { compareFinite, exact, exactDecimal, magnitude } from './number-order.js';
import type { NumericValue } from './type-of.js';
import type { BDoc, BValue, DBPointer } from './values.js';

const NUMBER_CLASS = { nan: 1, negativeInfinity: 2, negative: 3, zero: 4, positive: 5, infinity: 6 } as const;
/** Above the magnitude range of a decimal128 and of a double. */
const MAGNITUDE_BIAS = 8192;

/**
 * Bytes whose memcmp order is the order of the value lists under `compare`, a component with direction -1 inverted.
 * Equal values of different number types give equal bytes.
 */
export function keyString(values: readonly (BValue | undefined)[], directions?: readonly (1 | -1)[]): Buffer {
  const key = new KeyBuilder();
  values.forEach((value, i) => {
    const start = key.length;
    key.value(value);
    if (directions?.[i] === -1) key.invert(start);
  });
  return key.bytes();
}

let scratch: Buffer = Buffer.allocUnsafeSlow(4096);

class KeyBuilder {
  length = 0;

  bytes(): Buffer {
    return Buffer.from(scratch.subarray(0, this.length));
  }

  invert(from: number): void {
    for (let i = from; i < this.length; i++) scratch[i] = ~scratch[i]! & 0xff;
  }

  value(value: BValue | undefined): void {
    const rank = typeRank(value);
    // 0 ends a list, so that a shorter list comes first; +2 moves MinKey (-1) above it.
    this.byte(rank + 2);
    this.payload(rank, value as BValue);
  }

  private payload(rank: number, value: BValue): void {
    switch (rank) {
      case 10:
        return this.number(value as NumericValue);
      case 15:
        return this.text(typeof value === 'string' ? value : (value as BSONSymbol).value);
      case 20:
        return this.document(value as BDoc);
      case 25:
        for (const element of value as BValue[]) this.value(element);
        return this.byte(0);
      case 30:
        return this.binary(value as Binary);
      case 35:
        return this.raw((value as ObjectId).id);
      case 40:
        return this.byte(value ? 1 : 0);
      case 45:
        return this.uint64(BigInt((value as Date).getTime()) + (1n << 63n));
      case 47:
        return this.uint64((value as Timestamp).toBigInt() & 0xffff_ffff_ffff_ffffn);
      case 50:
        this.text((value as BSONRegExp).pattern);
        return this.text((value as BSONRegExp).options);
      case 55:
        this.uint32(Buffer.byteLength((value as DBPointer).ns));
        this.text((value as DBPointer).ns);
        return this.raw((value as DBPointer).id.id);
      case 60:
        return this.text((value as Code).code);
      case 65:
        this.text((value as Code).code);
        return this.document((value as Code).scope as BDoc);
    }
  }

  private document(doc: BDoc): void {
    for (const [name, value] of doc.entries()) {
      const rank = typeRank(value);
      this.byte(rank + 2);
      this.text(name);
      this.payload(rank, value);
    }
    this.byte(0);
  }

  private number(value: NumericValue): void {
    if (typeof value === 'number') return this.double(value);
    if (value instanceof Double) return this.double(value.value);
    const decimal = exact(value);
    if (decimal.kind === 'nan') return this.byte(NUMBER_CLASS.nan);
    if (decimal.kind === 'infinite') return this.double(decimal.negative ? -Infinity : Infinity);
    if (decimal.coefficient === 0n) return this.byte(NUMBER_CLASS.zero);
    const near = towardsZero(decimal);
    if (compareFinite(exactDecimal(near) as Finite, { ...decimal, negative: false }) === 0) {
      return this.double(decimal.negative ? -near : near);
    }
    this.between(decimal, near);
  }

  private double(value: number): void {
    if (Number.isNaN(value)) return this.byte(NUMBER_CLASS.nan);
    if (value === 0) return this.byte(NUMBER_CLASS.zero);
    if (value === Infinity) return this.byte(NUMBER_CLASS.infinity);
    if (value === -Infinity) return this.byte(NUMBER_CLASS.negativeInfinity);
    this.byte(value > 0 ? NUMBER_CLASS.positive : NUMBER_CLASS.negative);
    const start = this.length;
    this.reserve(9);
    this.length = scratch.writeDoubleBE(Math.abs(value), this.length);
    scratch[this.length++] = 0;
    if (value < 0) this.invert(start);
  }

  /** A value that no double holds: the double nearest towards zero, 1, then magnitude and digits of the value. */
  private between(value: Finite, near: number): void {
    this.byte(value.negative ? NUMBER_CLASS.negative : NUMBER_CLASS.positive);
    const start = this.length;
    this.reserve(11);
    this.length = scratch.writeDoubleBE(near, this.length);
    scratch[this.length++] = 1;
    this.length = scratch.writeUInt16BE(magnitude(value) + MAGNITUDE_BIAS, this.length);
    this.raw(Buffer.from(value.coefficient.toString().replace(/0+$/, ''), 'latin1'));
    this.byte(0);
    if (value.negative) this.invert(start);
  }

  private text(value: string): void {
    this.reserve(value.length * 3 + 2);
    const start = this.length;
    this.length += scratch.write(value, start, 'utf8');
    if (value.includes('\0')) this.escapeNulls(start);
    this.byte(0);
    this.byte(0);
  }

  private escapeNulls(start: number): void {
    const plain = Buffer.from(scratch.subarray(start, this.length));
    this.length = start;
    for (const byte of plain) {
      this.byte(byte);
      if (byte === 0) this.byte(0xff);
    }
  }

  private binary(value: Binary): void {
    this.uint32(value.position);
    this.byte(value.sub_type);
    this.raw(value.buffer.subarray(0, value.position));
  }

  private uint32(value: number): void {
    this.reserve(4);
    this.length = scratch.writeUInt32BE(value, this.length);
  }

  private uint64(value: bigint): void {
    this.reserve(8);
    this.length = scratch.writeBigUInt64BE(value, this.length);
  }

  private raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    scratch.set(bytes, this.length);
    this.length += bytes.length;
  }

  private byte(value: number): void {
    this.reserve(1);
    scratch[this.length++] = value;
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, scratch.length * 2));
    scratch.copy(larger, 0, 0, this.length);
    scratch = larger;
  }
}

/** The greatest double that is not above the absolute value. */
function towardsZero(value: Finite): number {
  const absolute: Finite = { ...value, negative: false };
  const near = Math.min(Number(`${absolute.coefficient}e${absolute.exponent}`), Number.MAX_VALUE);
  return compareFinite(exactDecimal(near) as Finite, absolute) > 0 ? below(near) : near;
}

function below(positive: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, positive);
  bits.setBigUint64(0, bits.getBigUint64(0) - 1n);
  return bits.getFloat64(0);
}
