import { Inject, Injectable } from '@nestjs/common';
import type { OauthConfigOut, OauthIn, OauthOut } from '../../../contracts/webhooks/endpoint-oauth.js';
import { isSensitiveHeader } from '../../../contracts/webhooks/request-header.js';
import { judgeEndpointUrl } from '../../../domain/webhooks/endpoint-url.js';
import type { Config } from '../../../platform/config.js';
import { invalidMember, notFound, ProblemError } from '../../../platform/errors.js';
import { CONFIG } from '../../../platform/platform.module.js';
import { SecretBox } from '../../../platform/secret-box.js';
import { EndpointRepository } from '../../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';

/** How an endpoint gets access tokens, sealed at rest. The secret goes in and never comes out. */
@Injectable()
export class EndpointOauthWriter {
  constructor(
    private readonly endpoints: EndpointRepository,
    private readonly box: SecretBox,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws ProblemError not_found when there is none */
  shown(row: EndpointRow): OauthConfigOut {
    const { config } = this.status(row);
    if (config === null) throw notFound('OAuth configuration; the endpoint itself was found');
    return config;
  }

  status({ oauthEnc }: EndpointRow): OauthOut {
    if (oauthEnc == null) return { enabled: false, config: null };
    const settings = JSON.parse(this.box.open(oauthEnc)) as OauthIn;
    const { grantType, authMethod, clientId, tokenUrl, scopes, extraParams, extraHeaders } = settings;
    const config = { grantType, authMethod, clientId, tokenUrl, scopes: scopes ?? null };
    const extra = { extraParams: masked(extraParams), extraHeaders: masked(extraHeaders) };
    return { enabled: true, config: { ...config, ...extra } };
  }

  async set(row: EndpointRow, settings: OauthIn): Promise<void> {
    const judgement = judgeEndpointUrl(settings.tokenUrl, {
      allowHttp: this.config.WEBHOOK_ALLOW_HTTP,
      allowCidrs: this.config.WEBHOOK_ALLOW_CIDRS,
      allowPorts: this.config.WEBHOOK_ALLOW_PORTS,
    });
    if (!judgement.ok) throw invalidMember(['tokenUrl'], judgement.why, 'url');
    await this.#replace(row, this.box.seal(JSON.stringify(settings)));
  }

  remove(row: EndpointRow): Promise<void> {
    return this.#replace(row, null);
  }

  async #replace(row: EndpointRow, oauthEnc: string | null): Promise<void> {
    if ((await this.endpoints.replaceSecrets(row, { oauthEnc })) !== null) return;
    throw new ProblemError('conflict', 'The endpoint was changed by another request meanwhile. Try again.');
  }
}

function masked(values: Record<string, string> | null | undefined): Record<string, string> | null {
  if (values == null) return null;
  const shown = Object.entries(values).map(([name, value]) => [
    name,
    isSensitiveHeader(name) ? '***' : value,
  ]);
  return Object.fromEntries(shown) as Record<string, string>;
}
