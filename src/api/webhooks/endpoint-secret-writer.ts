import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { SecretRotateIn } from '../../contracts/webhooks/endpoint.js';
import { requestHeaders } from '../../contracts/webhooks/request-header.js';
import type { endpointHeadersPatch } from '../../contracts/webhooks/request-header.js';
import { invalidMember, ProblemError } from '../../platform/errors.js';
import { EndpointRepository } from '../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import { EndpointSecrets } from './endpoint-secrets.js';

/** Changes signing keys and custom headers of an endpoint; refused when somebody else changed it meanwhile. */
@Injectable()
export class EndpointSecretWriter {
  constructor(
    private readonly endpoints: EndpointRepository,
    private readonly secrets: EndpointSecrets,
  ) {}

  rotate(row: EndpointRow, input: SecretRotateIn): Promise<void> {
    return this.#replace(row, { keys: this.secrets.rotated(row, input) });
  }

  putHeaders(row: EndpointRow, headers: Record<string, string>): Promise<void> {
    return this.#replace(row, { headersEnc: this.secrets.sealHeaders(headers) });
  }

  async patchHeaders(row: EndpointRow, patch: z.infer<typeof endpointHeadersPatch>): Promise<void> {
    const removed = new Set(patch.deleteHeaders);
    const merged = Object.entries({ ...this.secrets.headers(row), ...patch.headers }).filter(
      (entry): entry is [string, string] => entry[1] !== null && !removed.has(entry[0]),
    );
    const checked = requestHeaders.safeParse(Object.fromEntries(merged));
    if (!checked.success) throw invalidMember(['headers'], checked.error.issues[0]?.message ?? 'not valid');
    await this.putHeaders(row, checked.data);
  }

  async #replace(
    row: EndpointRow,
    secrets: Parameters<EndpointRepository['replaceSecrets']>[1],
  ): Promise<void> {
    if ((await this.endpoints.replaceSecrets(row, secrets)) !== null) return;
    throw new ProblemError('conflict', 'The endpoint was changed by another request meanwhile. Try again.');
  }
}
