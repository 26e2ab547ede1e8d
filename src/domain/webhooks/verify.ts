import { createHmac, createPublicKey, timingSafeEqual, verify as verifyBytes } from 'node:crypto';
import { hmacKeyBytes, signedHead, SigningKeyError } from './signature.js';

export type VerificationCode =
  | 'missing_header'
  | 'invalid_timestamp'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'no_matching_signature'
  | 'empty_secret';

/** Why a webhook is refused. The first check that fails names the code. */
export class WebhookVerificationError extends Error {
  override name = 'WebhookVerificationError';
  constructor(
    readonly code: VerificationCode,
    detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

export interface VerifyOptions {
  /** Unix seconds of the receiver's clock. */
  nowSec: number;
  /** How far the timestamp may be from the clock, both ways. Default 300. */
  toleranceSec?: number;
}

type Headers = Record<string, string | string[] | undefined>;

/** RFC 8410: the fixed head of a SubjectPublicKeyInfo document that holds a raw ed25519 public key. */
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Checks a received webhook and gives its parsed JSON body (undefined when it is empty). Header names may be in any
 * case; `webhook-*` goes before `svix-*`. `whsec_` (or no prefix) checks `v1` signatures, `whpk_` checks `v1a`.
 *
 * @param rawBody the body exactly as received
 * @throws WebhookVerificationError, or SyntaxError when a genuine body is not JSON
 */
export function verify(
  rawBody: string | Uint8Array,
  headers: Headers,
  secrets: string | readonly string[],
  options: VerifyOptions,
): unknown {
  const body = typeof rawBody === 'string' ? Buffer.from(rawBody) : Buffer.from(rawBody);
  const keys = (typeof secrets === 'string' ? [secrets] : secrets).map(verifyingKey);
  if (keys.length === 0) throw new WebhookVerificationError('empty_secret', 'expected at least one secret');
  const { id, timestamp, signatures } = signedHeaders(headers);
  checkTimestamp(timestamp, options);
  const signed = Buffer.concat([Buffer.from(signedHead(id, timestamp)), body]);
  const candidates = signatures.split(' ').map((part) => part.split(',', 2));
  const genuine = candidates.some(([version, text]) =>
    keys.some((key) => key.version === version && text !== undefined && key.matches(signed, text)),
  );
  if (!genuine) {
    throw new WebhookVerificationError('no_matching_signature', 'no signature fits the body and a secret');
  }
  return body.length === 0 ? undefined : JSON.parse(body.toString('utf8'));
}

interface VerifyingKey {
  version: 'v1' | 'v1a';
  matches(signed: Buffer, base64: string): boolean;
}

function verifyingKey(secret: string): VerifyingKey {
  if (secret === '' || secret === 'whsec_' || secret === 'whpk_') {
    throw new WebhookVerificationError('empty_secret', 'expected a whsec_ or whpk_ secret, got none');
  }
  return secret.startsWith('whpk_') ? ed25519Verifier(secret) : hmacVerifier(secret);
}

function hmacVerifier(secret: string): VerifyingKey {
  const key = hmacKeyBytes(secret);
  const matches = (signed: Buffer, base64: string) => {
    const expected = createHmac('sha256', key).update(signed).digest();
    const got = Buffer.from(base64, 'base64');
    return got.length === expected.length && timingSafeEqual(got, expected);
  };
  return { version: 'v1', matches };
}

function ed25519Verifier(secret: string): VerifyingKey {
  const raw = Buffer.from(secret.slice('whpk_'.length), 'base64');
  if (raw.length !== 32) throw new SigningKeyError(`expected 32 bytes after whpk_, got ${raw.length}`);
  const key = createPublicKey({ key: Buffer.concat([SPKI_ED25519, raw]), format: 'der', type: 'spki' });
  return {
    version: 'v1a',
    matches: (signed, base64) => verifyBytes(null, signed, key, Buffer.from(base64, 'base64')),
  };
}

function signedHeaders(headers: Headers) {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const read = (name: string) => {
    const value = lower.get(`webhook-${name}`) ?? lower.get(`svix-${name}`);
    const text = Array.isArray(value) ? value.join(' ') : value;
    if (text === undefined || text === '') {
      throw new WebhookVerificationError('missing_header', `expected a webhook-${name} header`);
    }
    return text;
  };
  return { id: read('id'), timestamp: read('timestamp'), signatures: read('signature') };
}

function checkTimestamp(timestamp: string, { nowSec, toleranceSec = 300 }: VerifyOptions): void {
  if (!/^\d{1,15}$/.test(timestamp)) {
    throw new WebhookVerificationError('invalid_timestamp', 'expected whole unix seconds');
  }
  const ageSec = nowSec - Number(timestamp);
  if (ageSec > toleranceSec) {
    throw new WebhookVerificationError(
      'timestamp_too_old',
      `it is ${ageSec} s old, ${toleranceSec} are allowed`,
    );
  }
  if (ageSec < -toleranceSec) {
    throw new WebhookVerificationError('timestamp_too_new', `it is ${-ageSec} s ahead of this clock`);
  }
}
