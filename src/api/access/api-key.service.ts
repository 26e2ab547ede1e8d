import { Injectable } from '@nestjs/common';
import type { ApiKeyIn, ApiKeyOut } from '../../contracts/access/api-key.js';
import { newToken, TokenHasher, tokenPrefix } from '../../platform/auth/api-key.js';
import { Authenticator } from '../../platform/auth/authenticator.js';
import { ROLE_SCOPES, scopesOf } from '../../platform/auth/scopes.js';
import type { Principal, Scope } from '../../platform/auth/scopes.js';
import { invalidMember, notFound, ProblemError } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { ApiKeyRepository } from '../../store/access/api-key.repository.js';
import type { ApiKeyRow } from '../../store/access/api-key.schema.js';
import { ApplicationRepository } from '../../store/webhooks/application.repository.js';

/** Makes, lists and revokes API keys. */
@Injectable()
export class ApiKeyService {
  constructor(
    private readonly keys: ApiKeyRepository,
    private readonly applications: ApplicationRepository,
    private readonly hasher: TokenHasher,
    private readonly authenticator: Authenticator,
  ) {}

  /** The token is not stored and cannot be shown again. Nobody gives more than he has himself. */
  async create(caller: Principal, input: ApiKeyIn): Promise<{ key: ApiKeyOut; token: string }> {
    const beyond = (input.scopes ?? []).filter(
      (scope) => !(ROLE_SCOPES[input.role] as readonly string[]).includes(scope),
    );
    if (beyond.length > 0) {
      throw invalidMember(['scopes'], `the role ${input.role} does not allow ${beyond.join(', ')}`);
    }
    const application = input.application == null ? null : await this.applications.find(input.application);
    const foreign = caller.app !== null && application?._id !== caller.app;
    if (input.application != null && (application === null || foreign)) {
      throw invalidMember(['application'], 'there is no application with this id or uid');
    }
    if (foreign) {
      throw new ProblemError('insufficient_access', 'A key of one application makes keys of it only.');
    }
    const expiresAt = input.expiresAt == null ? null : new Date(input.expiresAt);
    return this.issue(caller, {
      ...{ name: input.name, role: input.role, scopes: input.scopes ?? null, expiresAt },
      app: application?._id ?? null,
    });
  }

  /** @throws ProblemError when the key would have a scope that the caller has not */
  async issue(caller: Principal, wanted: NewKey): Promise<{ key: ApiKeyOut; token: string }> {
    const lacking = [...scopesOf(wanted.role, wanted.scopes, wanted.app)].filter(
      (scope) => !caller.scopes.has(scope),
    );
    if (lacking.length > 0) {
      throw new ProblemError(
        'insufficient_access',
        `You may not give what you have not: ${lacking.join(', ')}.`,
      );
    }
    return this.#insert(wanted);
  }

  /**
   * A token for one that can be exchanged once, with the same rights and the same end.
   * @throws ProblemError `authentication_failed` when it is unknown, was exchanged, or has ended
   */
  async exchange(oneTimeToken: string): Promise<{ row: ApiKeyRow; token: string }> {
    const row = await this.keys.findOnceByPrefix(tokenPrefix(oneTimeToken) ?? '');
    const isGood = row !== null && this.hasher.matches(oneTimeToken, row.hash);
    const now = new Date();
    // Revoking decides who of several is first.
    if (!isGood || hasEnded(row, now) || !(await this.keys.revoke(row._id, null, now))) {
      throw new ProblemError(
        'authentication_failed',
        'The one-time token is unknown, was used, or has ended. Ask for a new link.',
      );
    }
    const { name, role, scopes, app, session, expiresAt, portal } = row;
    const { token } = await this.#insert({ name, role, scopes, app, session, expiresAt, portal });
    return { row, token };
  }

  async #insert(wanted: NewKey): Promise<{ key: ApiKeyOut; token: string }> {
    const token = newToken();
    const row = this.#row(token, wanted);
    await this.keys.insert(row);
    return { key: view(row), token };
  }

  /** Ends the calling token, if it was made for a customer. */
  async logout(caller: Principal): Promise<void> {
    const row = await this.keys.find(caller.keyId);
    if (row?.portal !== true) {
      throw new ProblemError('insufficient_access', 'Only a token made by app-portal-access can log out.');
    }
    await this.keys.revoke(caller.keyId, null, new Date());
    this.authenticator.forget();
  }

  async expireAll(app: string, sessions: readonly string[] | null, at: Date): Promise<void> {
    await this.keys.expireAll(app, sessions, at);
    this.authenticator.forget();
  }

  /** Stores the first admin key, made by whoever started the platform; harmless when it is there already. */
  async ensureBootstrapKey(token: string): Promise<void> {
    if (tokenPrefix(token) === null) {
      throw new Error('HOLDFAST_BOOTSTRAP_KEY: expected hf_<8 characters>_<32 bytes in base64url>');
    }
    await this.keys.insertOnce(
      this.#row(token, { name: 'first key', role: 'admin', scopes: null, app: null, expiresAt: null }),
    );
  }

  async list(caller: Principal): Promise<ApiKeyOut[]> {
    return (await this.keys.list(caller.app)).map(view);
  }

  async revoke(caller: Principal, id: string): Promise<void> {
    if (!(await this.keys.revoke(id, caller.app, new Date()))) throw notFound('API key in use');
    this.authenticator.forget();
  }

  #row(token: string, wanted: NewKey): ApiKeyRow {
    return {
      _id: newId('key'),
      prefix: tokenPrefix(token) ?? '',
      hash: this.hasher.hash(token),
      portal: false,
      session: null,
      ...wanted,
      createdAt: new Date(),
      revokedAt: null,
    };
  }
}

/** A key as it is wanted. */
export interface NewKey extends Pick<ApiKeyRow, 'name' | 'role' | 'app' | 'expiresAt'> {
  scopes: Scope[] | string[] | null;
  portal?: boolean;
  once?: boolean;
  session?: string | null;
  poller?: string;
}

const hasEnded = ({ expiresAt }: ApiKeyRow, now: Date) => expiresAt !== null && expiresAt <= now;

const view = (row: ApiKeyRow): ApiKeyOut => ({
  id: row._id,
  name: row.name,
  prefix: `hf_${row.prefix}`,
  role: row.role,
  scopes: [...scopesOf(row.role, row.scopes, row.app)],
  ...(row.app === null ? {} : { application: row.app }),
  createdAt: row.createdAt.toISOString(),
  ...(row.expiresAt == null ? {} : { expiresAt: row.expiresAt.toISOString() }),
  ...(row.revokedAt === null ? {} : { revokedAt: row.revokedAt.toISOString() }),
});
