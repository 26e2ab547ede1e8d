import { CommandError } from '../errors.js';

/** BSON element type bytes. Source: bsonspec.org, version 1.1. */
export const TYPE = {
  double: 0x01,
  string: 0x02,
  object: 0x03,
  array: 0x04,
  binData: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  bool: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  dbPointer: 0x0c,
  javascript: 0x0d,
  symbol: 0x0e,
  javascriptWithScope: 0x0f,
  int: 0x10,
  timestamp: 0x11,
  long: 0x12,
  decimal: 0x13,
  minKey: -1,
  maxKey: 0x7f,
} as const;

/** Name that `$type` uses for a BSON type, also the name in error messages. */
export type TypeName = keyof typeof TYPE;

/** The UTF-8 text at `[start, end)`. */
export function text(buf: Buffer, start: number, end: number): string {
  return buf.toString('utf8', start, end);
}

/** Offset just behind the zero byte that ends the C string at `at`. */
export function endOfCString(buf: Buffer, at: number): number {
  while (buf[at] !== 0) at++;
  return at + 1;
}

/** Offset just behind the value of type byte `type` that starts at `at`. The bytes must be valid BSON. */
export function endOfValue(buf: Buffer, type: number, at: number): number {
  switch (type) {
    case TYPE.double:
    case TYPE.date:
    case TYPE.timestamp:
    case TYPE.long:
      return at + 8;
    case TYPE.int:
      return at + 4;
    case TYPE.string:
    case TYPE.javascript:
    case TYPE.symbol:
      return at + 4 + buf.readInt32LE(at);
    case TYPE.object:
    case TYPE.array:
    case TYPE.javascriptWithScope:
      return at + buf.readInt32LE(at);
    case TYPE.binData:
      return at + 5 + buf.readInt32LE(at);
    case TYPE.objectId:
      return at + 12;
    case TYPE.bool:
      return at + 1;
    case TYPE.decimal:
      return at + 16;
    case TYPE.dbPointer:
      return at + 4 + buf.readInt32LE(at) + 12;
    case TYPE.regex:
      return endOfCString(buf, endOfCString(buf, at));
    case TYPE.null:
    case TYPE.undefined:
    case TYPE.maxKey:
    case 0xff:
      return at;
    default:
      throw new CommandError('InvalidBSON', `Unrecognized BSON type ${type} at byte ${at}`);
  }
}

/**
 * Offset of the type byte of the first field called `key`, or -1. Field names are compared as bytes while walking,
 * so that a test of one field decodes nothing else.
 */
export function findField(buf: Buffer, start: number, key: string): number {
  const length = key.length;
  for (let i = 0; i < length; i++) {
    if (key.charCodeAt(i) > 0x7f) return findNonAscii(buf, start, key);
  }
  let at = start + 4;
  for (let type = buf[at]; type; type = buf[at]) {
    const element = at++;
    let i = 0;
    while (i < length && buf[at] === key.charCodeAt(i)) {
      at++;
      i++;
    }
    if (i === length && buf[at] === 0) return element;
    at = endOfValue(buf, type, endOfCString(buf, at));
  }
  return -1;
}

function findNonAscii(buf: Buffer, start: number, key: string): number {
  let at = start + 4;
  for (let type = buf[at]; type; type = buf[at]) {
    const value = endOfCString(buf, at + 1);
    if (text(buf, at + 1, value - 1) === key) return at;
    at = endOfValue(buf, type, value);
  }
  return -1;
}
