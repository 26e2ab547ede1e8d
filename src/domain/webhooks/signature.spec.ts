import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { hmacSecret, parseSigningKey, signature } from './signature.js';

const base64 = (bytes: number) => randomBytes(bytes).toString('base64');

describe('signature', () => {
  it('is what the standardwebhooks package makes', () => {
    const secret = hmacSecret(randomBytes(24));
    const at = new Date(1_700_000_000_000);
    const body = '{"n":1.50,"ü":"😀"}';
    expect(signature([parseSigningKey(secret)], 'msg_1', 1_700_000_000, Buffer.from(body))).toBe(
      new Webhook(secret).sign('msg_1', at, body),
    );
  });

  it('lists one signature a key, newest first', () => {
    const [newer, older] = [hmacSecret(randomBytes(24)), hmacSecret(randomBytes(24))];
    const sign = (...secrets: string[]) =>
      signature(secrets.map(parseSigningKey), 'msg_1', 1, Buffer.from('{}'));
    expect(sign(newer, older)).toBe(`${sign(newer)} ${sign(older)}`);
  });

  it('takes a secret without prefix as an HMAC key', () => {
    const key = base64(32);
    const sign = (secret: string) => parseSigningKey(secret).sign('a.1.', Buffer.from('{}'));
    expect(sign(key)).toBe(sign(`whsec_${key}`));
  });

  it.each([24, 64, 75])('accepts a key of %d bytes', (bytes) => {
    expect(parseSigningKey(`whsec_${base64(bytes)}`).sign('a.1.', Buffer.from(''))).toMatch(/^v1,/);
  });

  it.each([0, 23, 76])('refuses a key of %d bytes and names the bounds', (bytes) => {
    expect(() => parseSigningKey(`whsec_${base64(bytes)}`)).toThrow(`24 to 75 bytes in base64, got ${bytes}`);
  });

  it.each([
    ['whsec_not base64!', 'base64'],
    ['whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=', 'only verifies'],
    [`whsk_${base64(32)}`, 'expected 64 bytes'],
  ])('refuses %s', (secret, why) => {
    expect(() => parseSigningKey(secret)).toThrow(why);
  });
});
