import { Injectable } from '@nestjs/common';
import type { ApiKeyIn, ApiKeyOut } from '../../contracts/access/api-key.js';
import { newToken, TokenHasher, tokenPrefix } from '../../platform/auth/api-key.js';
import { ROLE_SCOPES, scopesOf } from '../../platform/auth/scopes.js';
import { invalidMember, notFound } from '../../platform/errors.js';
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
  ) {}

  /** The token is not stored and cannot be shown again. */
  async create(input: ApiKeyIn): Promise<{ key: ApiKeyOut; token: string }> {
    const beyond = (input.scopes ?? []).filter(
      (scope) => !(ROLE_SCOPES[input.role] as readonly string[]).includes(scope),
    );
    if (beyond.length > 0) {
      throw invalidMember(['scopes'], `the role ${input.role} does not allow ${beyond.join(', ')}`);
    }
    const application = input.application == null ? null : await this.applications.find(input.application);
    if (input.application != null && application === null) {
      throw invalidMember(['application'], 'there is no application with this id or uid');
    }
    const token = newToken();
    const row = this.#row(token, input.name, input.role, input.scopes ?? null, application?._id ?? null);
    await this.keys.insert(row);
    return { key: view(row), token };
  }

  /** Stores the first admin key, made by whoever started the platform; harmless when it is there already. */
  async ensureBootstrapKey(token: string): Promise<void> {
    if (tokenPrefix(token) === null) {
      throw new Error('HOLDFAST_BOOTSTRAP_KEY: expected hf_<8 characters>_<32 bytes in base64url>');
    }
    await this.keys.insertOnce(this.#row(token, 'first key', 'admin', null, null));
  }

  async list(): Promise<ApiKeyOut[]> {
    return (await this.keys.list()).map(view);
  }

  async revoke(id: string): Promise<void> {
    if (!(await this.keys.revoke(id, new Date()))) throw notFound('API key in use');
  }

  #row(
    token: string,
    name: string,
    role: ApiKeyRow['role'],
    scopes: string[] | null,
    app: string | null,
  ): ApiKeyRow {
    return {
      _id: newId('key'),
      prefix: tokenPrefix(token) ?? '',
      hash: this.hasher.hash(token),
      name,
      role,
      scopes,
      app,
      createdAt: new Date(),
      revokedAt: null,
    };
  }
}

const view = (row: ApiKeyRow): ApiKeyOut => ({
  id: row._id,
  name: row.name,
  prefix: `hf_${row.prefix}`,
  role: row.role,
  scopes: [...scopesOf(row.role, row.scopes)],
  ...(row.app === null ? {} : { application: row.app }),
  createdAt: row.createdAt.toISOString(),
  ...(row.revokedAt === null ? {} : { revokedAt: row.revokedAt.toISOString() }),
});
