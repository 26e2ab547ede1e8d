import { hmacSecret, parseSigningKey, signature } from '../domain/webhooks/signature.js';
import { verify, WebhookVerificationError } from './verify.js';

const secret = hmacSecret(Buffer.alloc(24, 5));
const body = '{"a":1.50}';
const headersAt = (atSec: number) => ({
  'Webhook-Id': 'msg_1',
  'Webhook-Timestamp': String(atSec),
  'Webhook-Signature': signature([parseSigningKey(secret)], 'msg_1', atSec, Buffer.from(body)),
});
const nowSec = () => Math.floor(Date.now() / 1000);

describe('holdfast/verify', () => {
  it("takes the system's clock, a fetch Headers object or plain headers, and a default tolerance", () => {
    expect(verify(body, headersAt(nowSec()), secret)).toEqual({ a: 1.5 });
    expect(verify(Buffer.from(body), new Headers(headersAt(nowSec() - 290)), [secret])).toEqual({ a: 1.5 });
  });

  it('refuses with a code', () => {
    const refused = (run: () => unknown) => {
      try {
        run();
      } catch (error) {
        return error instanceof WebhookVerificationError ? error.code : error;
      }
      return 'valid';
    };
    expect(refused(() => verify(body, headersAt(nowSec() - 400), secret))).toBe('timestamp_too_old');
    expect(refused(() => verify(body, headersAt(nowSec() - 400), secret, { toleranceSec: 500 }))).toBe(
      'valid',
    );
    const now = new Date((nowSec() - 400) * 1000);
    expect(refused(() => verify(body, headersAt(nowSec()), secret, { now }))).toBe('timestamp_too_new');
    expect(refused(() => verify(`${body} `, headersAt(nowSec()), secret))).toBe('no_matching_signature');
    expect(refused(() => verify(body, headersAt(nowSec()), ''))).toBe('empty_secret');
    expect(refused(() => verify(body, {}, secret))).toBe('missing_header');
  });
});
