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

/** Bytes of a value by its type byte, without those that its leading int32 counts. */
export const FIXED_SIZE = sizes([
  [0, ['undefined', 'null', 'minKey', 'maxKey']],
  [1, ['bool']],
  [4, ['int']],
  [8, ['double', 'date', 'timestamp', 'long']],
  [12, ['objectId']],
  [16, ['decimal']],
]);
/** The same for values that begin with an int32, which may or may not count itself. */
const COUNTED_SIZE = sizes([
  [0, ['object', 'array', 'javascriptWithScope']],
  [4, ['string', 'javascript', 'symbol']],
  [5, ['binData']],
  [16, ['dbPointer']],
]);

function sizes(groups: readonly (readonly [number, readonly TypeName[]])[]): ReadonlyMap<number, number> {
  return new Map(groups.flatMap(([size, names]) => names.map((name) => [TYPE[name] & 0xff, size])));
}

/** Both maps as tables, because every field that is passed over looks here. */
const SIZE = Uint8Array.from(
  { length: 256 },
  (_, type) => FIXED_SIZE.get(type) ?? COUNTED_SIZE.get(type) ?? 0,
);
const COUNTED = Uint8Array.from({ length: 256 }, (_, type) => Number(COUNTED_SIZE.has(type)));

/** Offset just behind the zero byte that ends the C string at `at`. */
export function endOfCString(buf: Buffer, at: number): number {
  while (buf[at] !== 0) at++;
  return at + 1;
}

/** Offset just behind the value of type byte `type` that starts at `at`. The bytes must be valid BSON. */
function endOfValue(buf: Buffer, type: number, at: number): number {
  if (type === TYPE.regex) return endOfCString(buf, endOfCString(buf, at));
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
