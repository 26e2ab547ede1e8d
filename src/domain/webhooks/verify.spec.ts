import { randomBytes } from 'node:crypto';
import { hmacSecret, parseSigningKey, signature } from './signature.js';
import { verify } from './verify.js';

const secret = hmacSecret(randomBytes(24));
const nowSec = 1_700_000_000;
const headersFor = (body: string, prefix = 'webhook') => ({
  [`${prefix}-id`]: 'msg_1',
  [`${prefix}-timestamp`]: String(nowSec),
  [`${prefix}-signature`]: signature([parseSigningKey(secret)], 'msg_1', nowSec, Buffer.from(body)),
});
const code = (run: () => unknown) => {
  try {
    run();
    return 'valid';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('webhook verifier', () => {
  it('gives the parsed body of a genuine webhook', () => {
    expect(verify('{"a":1}', headersFor('{"a":1}'), secret, { nowSec })).toEqual({ a: 1 });
    expect(verify('', headersFor(''), secret, { nowSec })).toBeUndefined();
  });

  it('reads svix-* headers too, but webhook-* first', () => {
    const svix = headersFor('{}', 'svix');
    expect(verify('{}', svix, secret, { nowSec })).toEqual({});
    expect(code(() => verify('{}', { ...svix, 'webhook-id': 'msg_2' }, secret, { nowSec }))).toBe(
      'no_matching_signature',
    );
  });

  it('tries every secret, as in the overlap of a rotation', () => {
    const other = hmacSecret(randomBytes(24));
    expect(verify('{}', headersFor('{}'), [other, secret], { nowSec })).toEqual({});
    expect(code(() => verify('{}', headersFor('{}'), [other], { nowSec }))).toBe('no_matching_signature');
    expect(code(() => verify('{}', headersFor('{}'), [], { nowSec }))).toBe('empty_secret');
  });

  it.each(['1.5', '-1', '1e9', 'soon', ' 1700000000'])('takes whole seconds only: "%s"', (timestamp) => {
    const headers = { ...headersFor('{}'), 'webhook-timestamp': timestamp };
    expect(code(() => verify('{}', headers, secret, { nowSec }))).toBe('invalid_timestamp');
  });

  it('keeps to the tolerance given, both ways', () => {
    const at = (now: number, toleranceSec: number) =>
      code(() => verify('{}', headersFor('{}'), secret, { nowSec: now, toleranceSec }));
    expect(at(nowSec + 10, 10)).toBe('valid');
    expect(at(nowSec + 11, 10)).toBe('timestamp_too_old');
    expect(at(nowSec - 10, 10)).toBe('valid');
    expect(at(nowSec - 11, 10)).toBe('timestamp_too_new');
  });

  it('says that a genuine body is not JSON', () => {
    expect(() => verify('<x/>', headersFor('<x/>'), secret, { nowSec })).toThrow(SyntaxError);
  });
});
