import { Injectable } from '@nestjs/common';
import type { ApiKeyOut } from '../../contracts/access/api-key.js';
import type { ApiTokenOut, CreateTokenIn, RotatePollerTokenIn } from '../../contracts/access/app-token.js';
import { Authenticator } from '../../platform/auth/authenticator.js';
import type { Principal, Scope } from '../../platform/auth/scopes.js';
import { notFound, ProblemError } from '../../platform/errors.js';
import { SecretBox } from '../../platform/secret-box.js';
import { ApiKeyRepository } from '../../store/access/api-key.repository.js';
import { ApplicationRepository } from '../../store/webhooks/application.repository.js';
import { PollerRepository } from '../../store/webhooks/poller/poller.repository.js';
import type { PollerRow } from '../../store/webhooks/poller/poller.schema.js';
import { ApiKeyService } from './api-key.service.js';

const POLLER_SCOPES: Scope[] = ['pollers:read'];

/** Tokens for one purpose inside one application. */
@Injectable()
export class AppTokens {
  constructor(
    private readonly keys: ApiKeyService,
    private readonly rows: ApiKeyRepository,
    private readonly applications: ApplicationRepository,
    private readonly pollers: PollerRepository,
    private readonly box: SecretBox,
    private readonly authenticator: Authenticator,
  ) {}

  /** A token that sends messages and does nothing else. */
  async forMessages(caller: Principal, app: string, { name, expiry }: CreateTokenIn): Promise<ApiTokenOut> {
    const { key, token } = await this.keys.issue(caller, {
      ...{ name, role: 'operator', scopes: ['messages:create'], app: await this.#application(caller, app) },
      expiresAt: inSeconds(expiry),
    });
    return { ...shown(key), name, token };
  }

  /** The token in use. It is the only kind that can be read again, as the compatible API wants. */
  async ofPoller(caller: Principal, app: string, reference: string): Promise<ApiTokenOut> {
    const { _id: poller, token } = await this.#poller(caller, app, reference);
    if (token === null || (token.expiresAt?.getTime() ?? Infinity) <= Date.now()) {
      throw new ProblemError('not_found', `The polling endpoint ${poller} has no token; rotate makes one.`);
    }
    return {
      ...{ id: token.key, token: this.box.open(token.enc), scopes: POLLER_SCOPES },
      createdAt: token.createdAt.toISOString(),
      ...(token.expiresAt === null ? {} : { expiresAt: token.expiresAt.toISOString() }),
    };
  }

  /** A new token for polling one endpoint; the one before it ends after its time. */
  async rotate(
    caller: Principal,
    app: string,
    reference: string,
    { expiry, oldTokenExpiry }: RotatePollerTokenIn,
  ): Promise<ApiTokenOut> {
    const poller = await this.#poller(caller, app, reference);
    const expiresAt = inSeconds(expiry);
    const { key, token } = await this.keys.issue(caller, {
      ...{ name: `poller ${poller._id}`, role: 'operator', scopes: POLLER_SCOPES, app: poller.app },
      ...{ poller: poller._id, expiresAt },
    });
    const createdAt = new Date(key.createdAt);
    const kept = await this.pollers.setToken(poller, {
      ...{ key: key.id, enc: this.box.seal(token), createdAt, expiresAt },
    });
    if (kept === null) {
      await this.rows.revoke(key.id, null, new Date());
      throw new ProblemError('conflict', 'The polling endpoint was changed meanwhile. Rotate again.');
    }
    if (poller.token !== null) await this.rows.expire(poller.token.key, inSeconds(oldTokenExpiry)!);
    this.authenticator.forget();
    return { ...shown(key), token };
  }

  async #poller(caller: Principal, app: string, reference: string): Promise<PollerRow> {
    const row = await this.pollers.find(await this.#application(caller, app), reference);
    if (row === null) throw notFound('polling endpoint');
    return row;
  }

  async #application(caller: Principal, app: string): Promise<string> {
    const row = await this.applications.find(app);
    if (row === null || (caller.app ?? row._id) !== row._id) throw notFound('application');
    return row._id;
  }
}

const inSeconds = (seconds: number | null | undefined) =>
  seconds == null ? null : new Date(Date.now() + seconds * 1000);

const shown = ({ id, createdAt, expiresAt, scopes }: ApiKeyOut) => ({
  ...{ id, createdAt, scopes },
  ...(expiresAt === undefined ? {} : { expiresAt }),
});
