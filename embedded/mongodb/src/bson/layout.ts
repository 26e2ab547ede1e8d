import { typeOfByte } from './types.js';

/** Offset just behind the zero byte that ends the C string at `at`. */
export function endOfCString(buf: Buffer, at: number): number {
  while (buf[at] !== 0) at++;
  return at + 1;
}

/** Sizes as tables, because every field that is passed over looks here. */
const SIZE = Uint8Array.from({ length: 256 }, (_, byte) => typeOfByte(byte)?.size ?? 0);
const COUNTED = Uint8Array.from({ length: 256 }, (_, byte) => Number(typeOfByte(byte)?.counted ?? false));
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
