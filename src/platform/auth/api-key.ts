import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { deriveKey } from '../secret-box.js';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIX_LENGTH = 8;
const TOKEN = /^hf_([0-9A-Za-z]{8})_[A-Za-z0-9_-]{43}$/;

/** A new token: `hf_<8 characters to find it by>_<256 random bits in base64url>`. */
export function newToken(): string {
  let prefix = '';
  for (let i = 0; i < PREFIX_LENGTH; i++) prefix += ALPHABET[randomInt(ALPHABET.length)];
  return `hf_${prefix}_${randomBytes(32).toString('base64url')}`;
}

/** The part of a token that it is found by; null when the text is not a token. */
export const tokenPrefix = (token: string): string | null => TOKEN.exec(token)?.[1] ?? null;

/**
 * Hashes tokens for the store: HMAC-SHA-256 under a key the server holds. A token has 256 random bits, so a slow
 * password hash would add milliseconds to each request and no safety.
 */
export class TokenHasher {
  readonly #key: KeyObject;

  constructor(masterKey: string) {
    this.#key = deriveKey(masterKey, 'holdfast api keys');
  }

  hash = (token: string): string => createHmac('sha256', this.#key).update(token).digest('base64url');

  matches(token: string, hash: string): boolean {
    const given = Buffer.from(this.hash(token));
    const stored = Buffer.from(hash);
    return given.length === stored.length && timingSafeEqual(given, stored);
  }
}
