import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Injectable } from '@nestjs/common';
import type { MtlsConfigOut, MtlsOut } from '../../../contracts/webhooks/endpoint-tls.js';
import { parseAuthorities, parseIdentity, PemError } from '../../../domain/webhooks/endpoint-tls.js';
import type { EndpointTls } from '../../../domain/webhooks/endpoint-tls.js';
import { invalidMember, notFound, ProblemError } from '../../../platform/errors.js';
import { SecretBox } from '../../../platform/secret-box.js';
import { EndpointRepository } from '../../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';

/** Whom an endpoint trusts and who we are to it, sealed at rest. The private key goes in and never comes out. */
@Injectable()
export class EndpointTlsWriter {
  constructor(
    private readonly endpoints: EndpointRepository,
    private readonly box: SecretBox,
  ) {}

  authorities(row: EndpointRow): string | null {
    return this.#open(row).ca ?? null;
  }

  /** @throws ProblemError not_found when there is none */
  identity(row: EndpointRow): MtlsConfigOut {
    const { config } = this.status(row);
    if (config === null) throw notFound('client certificate; the endpoint itself was found');
    return config;
  }

  status(row: EndpointRow): MtlsOut {
    const { identity } = this.#open(row);
    if (identity === undefined) return { enabled: false, config: null };
    const { subject, fingerprint256, validToDate } = new X509Certificate(identity.cert);
    const expiresAt = validToDate.toISOString();
    const config = { certificate: identity.cert, subject, fingerprint: fingerprint256, expiresAt };
    return { enabled: true, config };
  }

  setAuthorities(row: EndpointRow, text: string | null): Promise<void> {
    const { ca: _, ...rest } = this.#open(row);
    const ca = text === null ? {} : { ca: checked('cert', () => parseAuthorities(text, new Date())) };
    return this.#replace(row, { ...rest, ...usable('cert', ca) });
  }

  setIdentity(row: EndpointRow, text: string | null): Promise<void> {
    const { identity: _, ...rest } = this.#open(row);
    const identity =
      text === null ? {} : { identity: checked('identity', () => parseIdentity(text, new Date())) };
    return this.#replace(row, { ...rest, ...usable('identity', identity) });
  }

  #open({ tlsEnc }: EndpointRow): EndpointTls {
    return tlsEnc == null ? {} : (JSON.parse(this.box.open(tlsEnc)) as EndpointTls);
  }

  async #replace(row: EndpointRow, tls: EndpointTls): Promise<void> {
    const tlsEnc = Object.keys(tls).length === 0 ? null : this.box.seal(JSON.stringify(tls));
    if ((await this.endpoints.replaceSecrets(row, { tlsEnc })) !== null) return;
    throw new ProblemError('conflict', 'The endpoint was changed by another request meanwhile. Try again.');
  }
}

function checked<T>(member: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    throw invalidMember([member], error.message, 'pem');
  }
}

// The library that will use it has the last word: what it refuses would fail at every try.
function usable(member: string, tls: EndpointTls): EndpointTls {
  try {
    createSecureContext({ minVersion: 'TLSv1.2', ca: tls.ca, ...tls.identity });
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'unknown';
    throw invalidMember([member], `TLS cannot use it (${code}); is its key or signature too weak?`, 'pem');
  }
  return tls;
}
