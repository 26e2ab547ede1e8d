import { Binary, BSONRegExp, BSONSymbol, Code, Decimal128, MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import type { Double } from 'bson';
import { unsupported } from '../errors.js';
import { Bytes } from './bytes.js';
import { DBPointer, double, UNDEFINED, type Undefined } from './type-of.js';
import { TYPE_OF_BYTE, TYPES, writeDocument, type TypeName } from './types.js';

/**
 * A BSON value. `number` is Int32 if integral, within 32 bits and not -0, and a double otherwise; a double that would
 * look like an Int32 is wrapped in `Double`; `bigint` is Int64. So every value encodes back to the type it came from.
 */
export type BValue = Plain | Special | BDoc | BValue[];
type Plain = number | Double | bigint | Decimal128 | string | boolean | null | Date;
type Special =
  ObjectId | Binary | Timestamp | BSONRegExp | Code | BSONSymbol | DBPointer | MinKey | MaxKey | Undefined;

/**
 * An ordered document. One read from bytes stays bytes: a field is found by walking, nested documents are again views
 * on the same bytes, and `toBytes` returns the stored bytes. The first change turns it into lists of names and values.
 * Values got out of a document must not be changed in place: build a new value and `set` it.
 */
export class BDoc {
  private constructor(
    private buf: Buffer | null,
    private readonly start: number,
    private readonly end: number,
    private names: string[] | null,
    private values: BValue[],
  ) {}

  /** Tells the type as the classes of the bson package do. */
  get _bsontype(): 'BDoc' {
    return 'BDoc';
  }

  /** The valid document (see validateBson) that stands at `[start, end)` of a buffer. */
  static fromBytes(bytes: Buffer, start = 0, end = bytes.length): BDoc {
    return new BDoc(bytes, start, end, null, []);
  }

  static of(...entries: (readonly [string, BValue])[]): BDoc {
    return BDoc.fromEntries(entries);
  }

  /** For any number of fields: a call has room for about 100,000 arguments. */
  static fromEntries(entries: readonly (readonly [string, BValue])[]): BDoc {
    const names = entries.map(([name]) => name);
    return BDoc.from(
      names,
      entries.map(([, value]) => value),
    );
  }

  /** A document of parallel lists, which it takes over. */
  static from(names: string[], values: BValue[]): BDoc {
    return new BDoc(null, 0, 0, names, values);
  }

  /** The first field of that name; `undefined` if there is none. */
  get(key: string): BValue | undefined {
    if (this.names) {
      const i = this.names.indexOf(key);
      return i < 0 ? undefined : this.values[i];
    }
    const buf = this.buf!;
    const at = findField(buf, this.start, key);
    return at < 0 ? undefined : READ[buf[at]!]!(buf, endOfCString(buf, at + 1 + key.length));
  }

  has(key: string): boolean {
    return this.names ? this.names.includes(key) : findField(this.buf!, this.start, key) >= 0;
  }

  /** Replaces the first field of that name in its place, or appends. */
  set(key: string, value: BValue): this {
    const names = this.unpack();
    const i = names.indexOf(key);
    if (i < 0) {
      names.push(key);
      this.values.push(value);
    } else {
      this.values[i] = value;
    }
    this.buf = null;
    return this;
  }

  delete(key: string): boolean {
    const names = this.unpack();
    const i = names.indexOf(key);
    if (i < 0) return false;
    names.splice(i, 1);
    this.values.splice(i, 1);
    this.buf = null;
    return true;
  }

  keys(): string[] {
    return [...this.unpack()];
  }

  entries(): [string, BValue][] {
    return this.unpack().map((name, i) => [name, this.values[i]!]);
  }

  get size(): number {
    return this.unpack().length;
  }

  /** A copy whose fields can be changed without changing this one, which is decoded once for all its copies. */
  clone(): BDoc {
    return new BDoc(this.buf, this.start, this.end, this.keys(), [...this.values]);
  }

  /** The document as BSON; the stored bytes themselves if it was read and never changed. */
  toBytes(): Buffer {
    if (this.buf) return this.buf.subarray(this.start, this.end);
    return Bytes.encode((out) => this.writeTo(out));
  }

  /** Appends the document to a larger one. */
  writeTo(out: Bytes): void {
    if (this.buf) out.raw(this.toBytes());
    else writeDocument(out, this.names!, this.values);
  }

  private unpack(): string[] {
    if (this.names) return this.names;
    const names: string[] = [];
    const values: BValue[] = [];
    const buf = this.buf!;
    walk(buf, this.start, (type, name, value) => {
      names.push(buf.toString('utf8', name, value - 1));
      values.push(READ[type]!(buf, value));
    });
    this.names = names;
    this.values = values;
    return names;
  }
}

/** Read a value from valid bytes. */
const READ_TYPE: Readonly<Record<TypeName, (buf: Buffer, at: number) => BValue>> = {
  double: (buf, at) => double(buf.readDoubleLE(at)),
  string: readString,
  object: (buf, at) => BDoc.fromBytes(buf, at, at + buf.readInt32LE(at)),
  array: (buf, at) => {
    const values: BValue[] = [];
    walk(buf, at, (type, _name, value) => values.push(READ[type]!(buf, value)));
    return values;
  },
  binData: (buf, at) => new Binary(buf.subarray(at + 5, at + 5 + buf.readInt32LE(at)), buf[at + 4]),
  undefined: () => UNDEFINED,
  objectId: readObjectId,
  bool: (buf, at) => buf[at] === 1,
  date: (buf, at) => {
    const ms = buf.readInt32LE(at + 4) * 0x1_0000_0000 + buf.readUInt32LE(at);
    if (Math.abs(ms) > MAX_DATE_MS) throw unsupported(`a date ${ms} ms from 1970, beyond the year 275760,`);
    return new Date(ms);
  },
  null: () => null,
  regex: (buf, at) => {
    const options = endOfCString(buf, at);
    const regex = new BSONRegExp(buf.toString('utf8', at, options - 1));
    // Set directly because the constructor sorts and checks the options, which would change the stored bytes.
    regex.options = buf.toString('utf8', options, endOfCString(buf, options) - 1);
    return regex;
  },
  dbPointer: (buf, at) => new DBPointer(readString(buf, at), readObjectId(buf, at + 4 + buf.readInt32LE(at))),
  javascript: (buf, at) => new Code(readString(buf, at)),
  symbol: (buf, at) => new BSONSymbol(readString(buf, at)),
  javascriptWithScope: (buf, at) => {
    const code = new Code(readString(buf, at + 4));
    const scope = at + 8 + buf.readInt32LE(at + 4);
    code.scope = BDoc.fromBytes(buf, scope, scope + buf.readInt32LE(scope));
    return code;
  },
  int: (buf, at) => buf.readInt32LE(at),
  timestamp: (buf, at) => new Timestamp(buf.readBigUInt64LE(at)),
  long: (buf, at) => buf.readBigInt64LE(at),
  decimal: (buf, at) => new Decimal128(buf.subarray(at, at + 16)),
  minKey: () => new MinKey(),
  maxKey: () => new MaxKey(),
};
/** The same by type byte. */
const READ: ((buf: Buffer, at: number) => BValue)[] = [];
for (const [name, { code }] of Object.entries(TYPES)) READ[code & 0xff] = READ_TYPE[name as TypeName];

const MAX_DATE_MS = 8.64e15;

function readString(buf: Buffer, at: number): string {
  return buf.toString('utf8', at + 4, at + 3 + buf.readInt32LE(at));
}

function readObjectId(buf: Buffer, at: number): ObjectId {
  return new ObjectId(buf.subarray(at, at + 12));
}

/** Offset just behind the zero byte that ends the C string at `at`. */
export function endOfCString(buf: Buffer, at: number): number {
  while (buf[at] !== 0) at++;
  return at + 1;
}

/** Sizes as tables, because every field that is passed over looks here. */
const SIZE = Uint8Array.from({ length: 256 }, (_, byte) => TYPE_OF_BYTE[byte]?.size ?? 0);
const COUNTED = Uint8Array.from({ length: 256 }, (_, byte) => Number(TYPE_OF_BYTE[byte]?.counted ?? false));
const REGEX = 0x0b;

/** Offset just behind the value of type byte `type` that starts at `at`. The bytes must be valid BSON. */
function endOfValue(buf: Buffer, type: number, at: number): number {
  if (type === REGEX) return endOfCString(buf, endOfCString(buf, at));
  const end = at + SIZE[type]!;
  return COUNTED[type] === 1 ? end + buf.readInt32LE(at) : end;
}

/** Calls `visit` with the type byte, the offsets of name and value of each field of the document at `start`. */
export function walk(
  buf: Buffer,
  start: number,
  visit: (type: number, name: number, value: number) => void,
): void {
  let at = start + 4;
  for (let type = buf[at]; type; type = buf[at]) {
    const value = endOfCString(buf, at + 1);
    visit(type, at + 1, value);
    at = endOfValue(buf, type, value);
  }
}

/**
 * Offset of the type byte of the first field called `key`, or -1. Names are compared as bytes while walking, so that a
 * test of one field decodes nothing else; in a name outside ASCII no byte equals its UTF-16 unit, so it is encoded first.
 */
export function findField(buf: Buffer, start: number, key: string): number {
  const name = isAscii(key) ? key : Buffer.from(key).toString('latin1');
  let at = start + 4;
  for (let type = buf[at]; type; type = buf[at]) {
    const element = at++;
    let i = 0;
    while (i < name.length && buf[at] === name.charCodeAt(i)) {
      at++;
      i++;
    }
    if (i === name.length && buf[at] === 0) return element;
    at = endOfValue(buf, type, endOfCString(buf, at));
  }
  return -1;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
