import { randomBytes } from 'node:crypto';

/** A random UUID (RFC 9562 version 4) as its 16 bytes. */
export function uuidV4(): Buffer {
  const bytes = randomBytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes;
}
