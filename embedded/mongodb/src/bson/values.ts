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
import { unsupported } from '../errors.js';
import { Bytes } from './bytes.js';
import { writeDocument } from './encode.js';
import { endOfCString, findField, TYPE, walk, type TypeName } from './layout.js';

/** The deprecated BSON type `undefined`. JavaScript's `undefined` means "no such field" everywhere in this server. */
export class Undefined {
  readonly _bsontype = 'Undefined';
}
export const UNDEFINED = new Undefined();

/** The deprecated BSON type DBPointer: a namespace and an id. */
export class DBPointer {
  readonly _bsontype = 'DBPointer';

  constructor(
    readonly ns: string,
    readonly id: ObjectId,
  ) {}
}

/**
 * A BSON value. `number` is Int32 if integral, within 32 bits and not -0, and a double otherwise; a double that would
 * look like an Int32 is wrapped in `Double`; `bigint` is Int64. So every value encodes back to the type it came from.
 */
export type BValue =
  | number
  | Double
  | bigint
  | Decimal128
  | string
  | boolean
  | null
  | Date
  | BDoc
  | BValue[]
  | ObjectId
  | Binary
  | Timestamp
  | BSONRegExp
  | Code
  | BSONSymbol
  | DBPointer
  | MinKey
  | MaxKey
  | Undefined;

/** Wraps a double that would otherwise be taken for an Int32. */
export function double(value: number): number | Double {
  return (value | 0) === value && !Object.is(value, -0) ? new Double(value) : value;
}

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

  /** `bytes` is exactly one valid document (see validateBson). */
  static fromBytes(bytes: Buffer): BDoc {
    return new BDoc(bytes, 0, bytes.length, null, []);
  }

  /** The valid document that stands at `[start, end)` of a larger buffer. */
  static view(buf: Buffer, start: number, end: number): BDoc {
    return new BDoc(buf, start, end, null, []);
  }

  static of(...entries: (readonly [string, BValue])[]): BDoc {
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
    return at < 0 ? undefined : readValue(buf, buf[at]!, endOfCString(buf, at + 1 + key.length));
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

  /** A copy whose fields can be changed without changing this one. */
  clone(): BDoc {
    return new BDoc(this.buf, this.start, this.end, this.names && [...this.names], [...this.values]);
  }

  /** The document as BSON; the stored bytes themselves if it was read and never changed. */
  toBytes(): Buffer {
    if (this.buf) return this.buf.subarray(this.start, this.end);
    return Bytes.encode((out) => this.writeTo(out));
  }

  /** Appends the document to a larger one. */
  writeTo(out: Bytes): void {
    if (this.buf) out.copy(this.buf, this.start, this.end);
    else writeDocument(out, this.names!, this.values);
  }

  private unpack(): string[] {
    if (this.names) return this.names;
    const names: string[] = [];
    const values: BValue[] = [];
    const buf = this.buf!;
    walk(buf, this.start, (type, name, value) => {
      names.push(buf.toString('utf8', name, value - 1));
      values.push(readValue(buf, type, value));
    });
    this.names = names;
    this.values = values;
    return names;
  }
}

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
function readValue(buf: Buffer, type: number, at: number): BValue {
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
