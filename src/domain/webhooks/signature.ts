import { createHmac, createPrivateKey, createSecretKey, sign as signBytes } from 'node:crypto';

/** Bounds of a symmetric key in bytes; keys we make have 24, the Standard Webhooks specification says 24 to 64. */
export const HMAC_KEY_BYTES = { min: 24, max: 75, made: 24 } as const;
const ED25519_SEED_BYTES = 32;
const ED25519_PUBLIC_BYTES = 32;
/** RFC 8410: the fixed head of a PKCS #8 document that holds a raw ed25519 seed. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A secret that cannot be used to sign; the message says what was expected. */
export class SigningKeyError extends Error {
  override name = 'SigningKeyError';
}

/** One key of an endpoint, ready to sign. */
export interface SigningKey {
  /** `<version>,<base64>` over the signed text. */
  sign(head: string, body: Uint8Array): string;
}

/**
 * Reads a secret: `whsec_` or no prefix is an HMAC key in base64, `whsk_` an ed25519 seed followed by its public key.
 * @throws SigningKeyError
 */
export function parseSigningKey(secret: string): SigningKey {
  if (secret.startsWith('whsk_')) return ed25519Key(secret.slice('whsk_'.length));
  if (secret.startsWith('whpk_')) {
    throw new SigningKeyError('a whpk_ key only verifies; give the whsk_ key to sign');
  }
  return hmacKey(secret);
}

/** The text of a new symmetric secret from `HMAC_KEY_BYTES.made` random bytes. */
export const hmacSecret = (random: Uint8Array): string => `whsec_${Buffer.from(random).toString('base64')}`;

/**
 * The `webhook-signature` header: every key signs `{id}.{timestamp}.{body}`, newest key first, separated by spaces
 * (Standard Webhooks, "Signature scheme").
 *
 * @param timestampSec unix seconds of this try
 */
export function signature(
  keys: readonly SigningKey[],
  id: string,
  timestampSec: number,
  body: Uint8Array,
): string {
  const head = signedHead(id, String(timestampSec));
  return keys.map((key) => key.sign(head, body)).join(' ');
}

/** What stands before the body in the signed text. */
export const signedHead = (id: string, timestamp: string): string => `${id}.${timestamp}.`;

/** The bytes of a symmetric secret. @throws SigningKeyError */
export function hmacKeyBytes(secret: string): Buffer {
  const bytes = base64Bytes(secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret);
  if (bytes.length < HMAC_KEY_BYTES.min || bytes.length > HMAC_KEY_BYTES.max) {
    throw new SigningKeyError(
      `expected a key of ${HMAC_KEY_BYTES.min} to ${HMAC_KEY_BYTES.max} bytes in base64, got ${bytes.length} bytes`,
    );
  }
  return bytes;
}

function hmacKey(secret: string): SigningKey {
  const key = createSecretKey(hmacKeyBytes(secret));
  return {
    sign: (head, body) => `v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`,
  };
}

function ed25519Key(text: string): SigningKey {
  const bytes = base64Bytes(text);
  if (bytes.length !== ED25519_SEED_BYTES + ED25519_PUBLIC_BYTES) {
    throw new SigningKeyError(`expected 64 bytes in base64 after whsk_, got ${bytes.length} bytes`);
  }
  const der = Buffer.concat([PKCS8_ED25519, bytes.subarray(0, ED25519_SEED_BYTES)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return {
    sign: (head, body) =>
      `v1a,${signBytes(null, Buffer.concat([Buffer.from(head), body]), key).toString('base64')}`,
  };
}

function base64Bytes(text: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new SigningKeyError('expected a key in base64');
  return Buffer.from(text, 'base64');
}
