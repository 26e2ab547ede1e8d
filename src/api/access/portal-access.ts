import { Inject, Injectable } from '@nestjs/common';
import { PORTAL_CAPABILITIES } from '../../contracts/access/portal-access.js';
import type {
  ExpireAllIn,
  OneTimeTokenIn,
  OneTimeTokenOut,
  PortalAccessIn,
  PortalAccessOut,
  PortalCapability,
} from '../../contracts/access/portal-access.js';
import type { Principal, Scope } from '../../platform/auth/scopes.js';
import type { Config } from '../../platform/config.js';
import { notFound } from '../../platform/errors.js';
import { CONFIG } from '../../platform/platform.module.js';
import { isDuplicateKey } from '../../store/duplicate-key.js';
import { ApplicationRepository } from '../../store/webhooks/application.repository.js';
import type { ApplicationRow } from '../../store/webhooks/application.schema.js';
import { ApiKeyService } from './api-key.service.js';
import type { NewKey } from './api-key.service.js';

/** A customer reads what is his own, and never writes applications or sends messages. */
const VIEW: readonly Scope[] = [
  'applications:read',
  'endpoints:read',
  'messages:read',
  'attempts:read',
  'event-types:read',
];
const SCOPES: Record<PortalCapability, readonly Scope[]> = {
  ViewBase: VIEW,
  ViewEndpointSecret: ['secrets:read'],
  ManageEndpointSecret: ['secrets:read', 'secrets:write'],
  ManageTransformations: [],
  CreateAttempts: ['attempts:write'],
  ManageEndpoint: ['endpoints:write', 'pollers:read', 'secrets:read', 'secrets:write'],
};

/** Tokens that a customer gets to look after the webhooks of one application. */
@Injectable()
export class PortalAccess {
  constructor(
    private readonly keys: ApiKeyService,
    private readonly applications: ApplicationRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @param calledAt origin the API was called at, for the link when no public URL is set */
  async grant(
    caller: Principal,
    app: string,
    input: PortalAccessIn,
    calledAt: string,
  ): Promise<PortalAccessOut> {
    const { _id: id } = await this.#application(caller, app, input);
    const wanted: NewKey = {
      ...{ name: `portal of ${app}`, role: 'operator', scopes: scopesOf(input), app: id },
      ...{ portal: true, session: input.sessionId ?? null },
      expiresAt: new Date(Date.now() + input.expiry * 1000),
    };
    const { token } = await this.keys.issue(caller, wanted);
    // Links stay in histories and mails: what they hold is worth nothing once it was exchanged.
    const { token: oneTimeToken } = await this.keys.issue(caller, { ...wanted, once: true });
    // Behind the #, so that it is in no server's log.
    const key = Buffer.from(JSON.stringify({ appId: id, oneTimeToken })).toString('base64url');
    return { token, url: `${(this.config.API_PUBLIC_URL ?? calledAt).replace(/\/$/, '')}/#key=${key}` };
  }

  /** What a link holds for a token; the second time it is refused. */
  async exchange({ oneTimeToken }: OneTimeTokenIn): Promise<OneTimeTokenOut> {
    const { row, token } = await this.keys.exchange(oneTimeToken);
    return { token, capabilities: capabilitiesOf(row.scopes ?? []) };
  }

  async expireAll(caller: Principal, app: string, input: ExpireAllIn): Promise<void> {
    const { _id: id } = await this.#application(caller, app, {});
    const at = new Date(Date.now() + (input.expiry ?? 0) * 1000);
    const sessions = input.sessionIds == null || input.sessionIds.length === 0 ? null : input.sessionIds;
    await this.keys.expireAll(id, sessions, at);
  }

  async #application(
    caller: Principal,
    app: string,
    { application }: Pick<PortalAccessIn, 'application'>,
  ): Promise<ApplicationRow> {
    const row = await this.applications.find(app);
    if (row !== null && (caller.app === null || caller.app === row._id)) return row;
    if (row !== null || application == null || caller.app !== null || app.startsWith('app_')) {
      throw notFound('application');
    }
    try {
      return await this.applications.insert({ ...application, uid: app });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return this.#application(caller, app, {});
    }
  }
}

function scopesOf({ capabilities, readOnly }: PortalAccessIn): Scope[] {
  if (readOnly === true) return [...VIEW];
  const wanted = capabilities ?? (Object.keys(SCOPES) as PortalCapability[]);
  return [...new Set([...VIEW, ...wanted.flatMap((capability) => SCOPES[capability])])];
}

const capabilitiesOf = (scopes: readonly string[]): PortalCapability[] =>
  PORTAL_CAPABILITIES.filter(
    (capability) =>
      capability === 'ViewBase' ||
      (SCOPES[capability].length > 0 && SCOPES[capability].every((scope) => scopes.includes(scope))),
  );
