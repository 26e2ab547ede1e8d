import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSigningKey, signature } from '../../src/domain/webhooks/signature.js';
import { verify, WebhookVerificationError } from '../../src/domain/webhooks/verify.js';

interface Vector {
  name: string;
  kind: 'sign' | 'verify';
  secret: string;
  payload?: string;
  payloadBase64?: string;
  payloadRepeat?: { char: string; count: number };
  id: string;
  timestamp: number;
  signature: string;
  headers: Record<string, string>;
  now: number;
  tolerance: number;
  expect: 'valid' | 'invalid';
  reason?: string;
}

const file = path.join(
  process.env['CONFORMANCE_DIR'] ?? '../shared/conformance',
  'webhooks/signature-vectors.json',
);
const vectors: Vector[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).vectors : [];

const bodyOf = ({ payload, payloadBase64, payloadRepeat }: Vector) => {
  if (payloadRepeat) return Buffer.alloc(payloadRepeat.count, payloadRepeat.char);
  return payloadBase64 === undefined ? Buffer.from(payload ?? '') : Buffer.from(payloadBase64, 'base64');
};

function verdict(vector: Vector): string {
  const { headers, secret, now, tolerance } = vector;
  try {
    verify(bodyOf(vector), headers, secret, { nowSec: now, toleranceSec: tolerance });
    return 'valid';
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    return error.code;
  }
}

describe('Standard Webhooks signature vectors', () => {
  if (vectors.length === 0) {
    it.skip(`need ${file}; set CONFORMANCE_DIR to the folder that holds webhooks/`, () => undefined);
    return;
  }
  const signing = vectors.filter((vector) => vector.kind === 'sign');
  const verifying = vectors.filter((vector) => vector.kind === 'verify');

  it.each(signing.map((vector) => [vector.name, vector] as const))('are signed: %s', (_name, vector) => {
    const key = parseSigningKey(vector.secret);
    expect(signature([key], vector.id, vector.timestamp, bodyOf(vector))).toBe(vector.signature);
  });

  it.each(verifying.map((vector) => [vector.name, vector] as const))('are judged: %s', (_name, vector) => {
    expect(verdict(vector)).toBe(vector.expect === 'valid' ? 'valid' : vector.reason);
  });

  it('are all used', () => {
    expect(signing.length + verifying.length).toBe(vectors.length);
    expect(vectors.length).toBeGreaterThanOrEqual(38);
  });
});
