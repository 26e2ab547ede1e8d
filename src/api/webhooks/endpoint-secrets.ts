import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SecretRotateIn } from '../../contracts/webhooks/endpoint.js';
import { isSensitiveHeader } from '../../contracts/webhooks/request-header.js';
import type { EndpointHeadersOut } from '../../contracts/webhooks/request-header.js';
import {
  HMAC_KEY_BYTES,
  hmacSecret,
  parseSigningKey,
  SigningKeyError,
} from '../../domain/webhooks/signature.js';
import { invalidMember, ProblemError } from '../../platform/errors.js';
import { SecretBox } from '../../platform/secret-box.js';
import type { EndpointRow, SigningKeyRow } from '../../store/webhooks/endpoint.schema.js';

const DEFAULT_GRACE_SECONDS = 86_400;
const MAX_OLD_KEYS = 10;

/** Signing keys and custom headers of endpoints, sealed at rest. */
@Injectable()
export class EndpointSecrets {
  constructor(private readonly box: SecretBox) {}

  /** @param path the member of the body the secret came from, for the error */
  newKey(given: string | null, path: string[], now = new Date()): SigningKeyRow {
    const text = given === null ? hmacSecret(randomBytes(HMAC_KEY_BYTES.made)) : withPrefix(given);
    checkKey(text, path);
    const type = text.startsWith('whsk_') ? 'ed25519' : 'hmac';
    return { enc: this.box.seal(text), type, from: now, until: null };
  }

  /** The key in use, as the receiver needs it to verify. */
  current(row: EndpointRow): string {
    const key = row.keys[0];
    if (key === undefined) throw new Error(`endpoint ${row._id} has no signing key`);
    const secret = this.box.open(key.enc);
    return key.type === 'ed25519' ? this.publicKey(secret) : secret;
  }

  /** `whpk_` and the second half of the `whsk_` bytes: all that a receiver needs, and nothing to sign with. */
  publicKey(secret: string): string {
    return `whpk_${Buffer.from(secret.slice('whsk_'.length), 'base64').subarray(32).toString('base64')}`;
  }

  /** The keys after a rotation: the new one first, old ones sign on until their overlap ends. */
  rotated(row: EndpointRow, input: SecretRotateIn, now = new Date()): SigningKeyRow[] {
    const until = new Date(now.getTime() + (input.gracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1_000);
    const live = row.keys
      .map((key) => ({ ...key, until: key.until ?? until }))
      .filter((key) => key.until > now);
    if (live.length > MAX_OLD_KEYS) {
      throw new ProblemError(
        'limit_reached',
        `At most ${MAX_OLD_KEYS} old keys may be live; wait until one expires.`,
      );
    }
    return [this.newKey(input.key ?? null, ['key'], now), ...live];
  }

  sealHeaders(headers: Record<string, string>): string | null {
    return Object.keys(headers).length === 0 ? null : this.box.seal(JSON.stringify(headers));
  }

  headers(row: EndpointRow): Record<string, string> {
    return row.headersEnc === null
      ? {}
      : (JSON.parse(this.box.open(row.headersEnc)) as Record<string, string>);
  }

  /** Headers as they may be shown: sensitive ones by name only. */
  shownHeaders(row: EndpointRow): EndpointHeadersOut {
    const all = Object.entries(this.headers(row));
    return {
      headers: Object.fromEntries(all.filter(([name]) => !isSensitiveHeader(name))),
      sensitive: all.map(([name]) => name).filter(isSensitiveHeader),
    };
  }
}

const withPrefix = (secret: string) => (/^wh(sec|sk)_/.test(secret) ? secret : `whsec_${secret}`);

function checkKey(secret: string, path: string[]): void {
  try {
    parseSigningKey(secret);
  } catch (error) {
    if (!(error instanceof SigningKeyError)) throw error;
    throw invalidMember(path, error.message);
  }
}
