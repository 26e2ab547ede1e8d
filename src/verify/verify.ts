import { verify as verifyAt } from '../domain/webhooks/verify.js';

export { WebhookVerificationError } from '../domain/webhooks/verify.js';
export type { VerificationCode } from '../domain/webhooks/verify.js';

type ReceivedHeaders = Headers | Record<string, string | string[] | undefined>;

export interface VerifyOptions {
  /** How far the timestamp may be from this clock, both ways, in seconds. Default 300. */
  toleranceSec?: number;
  /** The receiver's clock; the system's when left out. */
  now?: Date;
}

/**
 * Checks a received webhook and gives its parsed JSON body (undefined when it is empty). The package part
 * `holdfast/verify`: no dependency, and nothing of Holdfast is started.
 *
 * @param rawBody the body exactly as received: text or bytes, never a parsed and re-serialised object
 * @param headers of the request, names in any case; `webhook-*` goes before `svix-*`
 * @param secrets `whsec_` or `whpk_`, several while a secret is being changed
 * @throws WebhookVerificationError with a `code`; SyntaxError when a genuine body is not JSON
 */
export function verify(
  rawBody: string | Uint8Array,
  headers: ReceivedHeaders,
  secrets: string | readonly string[],
  { toleranceSec = 300, now = new Date() }: VerifyOptions = {},
): unknown {
  const plain = headers instanceof Headers ? Object.fromEntries(headers) : headers;
  return verifyAt(rawBody, plain, secrets, { nowSec: Math.floor(now.getTime() / 1000), toleranceSec });
}
