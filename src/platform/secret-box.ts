import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals secrets at rest with AES-256-GCM. Text form: `v1:<base64 of nonce, tag, ciphertext>`. */
export class SecretBox {
  readonly #key: KeyObject;

  /** @param masterKey 32 bytes in base64. The key in use is derived from it, so that other uses cannot meet it. */
  constructor(masterKey: string) {
    this.#key = deriveKey(masterKey, 'holdfast secrets at rest');
  }

  seal(text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return `${VERSION}:${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')}`;
  }

  /** Throws when the text was sealed with another master key or was changed. */
  open(sealed: string): string {
    if (!sealed.startsWith(`${VERSION}:`)) throw new Error('sealed secret: unknown version');
    const bytes = Buffer.from(sealed.slice(VERSION.length + 1), 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      return (
        decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    } catch {
      throw new Error('sealed secret: cannot be opened; was it sealed with another HOLDFAST_MASTER_KEY?');
    }
  }
}

/**
 * A 32-byte key for one purpose, by HKDF-SHA-256 (RFC 5869) from the master key. A key object, because an HMAC that
 * gets its key as bytes costs six times as much (12 against 2 us).
 */
export function deriveKey(masterKey: string, purpose: string): KeyObject {
  const bytes = hkdfSync('sha256', Buffer.from(masterKey, 'base64'), '', purpose, 32);
  return createSecretKey(Buffer.from(bytes));
}
