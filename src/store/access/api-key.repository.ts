import type { Connection } from 'mongoose';
import { DURABLE } from '../connection.js';
import { isDuplicateKey } from '../duplicate-key.js';
import { apiKeySchema } from './api-key.schema.js';
import type { ApiKeyRow } from './api-key.schema.js';

export class ApiKeyRepository {
  readonly #keys;

  constructor(connection: Connection) {
    this.#keys = connection.model('ApiKey', apiKeySchema);
  }

  createIndexes(): Promise<void> {
    return this.#keys.createIndexes();
  }

  findByPrefix(prefix: string): Promise<ApiKeyRow | null> {
    return this.#keys.findOne({ prefix, revokedAt: null, once: { $ne: true } }).lean<ApiKeyRow | null>();
  }

  findOnceByPrefix(prefix: string): Promise<ApiKeyRow | null> {
    return this.#keys.findOne({ prefix, revokedAt: null, once: true }).lean<ApiKeyRow | null>();
  }

  async insert(row: ApiKeyRow): Promise<void> {
    await this.#keys.create([row], DURABLE);
  }

  /** Stores the row unless its prefix is there already. */
  async insertOnce(row: ApiKeyRow): Promise<void> {
    try {
      await this.insert(row);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  find(id: string): Promise<ApiKeyRow | null> {
    return this.#keys.findById(id).lean<ApiKeyRow | null>();
  }

  /** Keys, customers' tokens left out. @param onlyApp the only application whose keys may be seen; null = all */
  list(onlyApp: string | null): Promise<ApiKeyRow[]> {
    const filter = { portal: { $ne: true }, ...(onlyApp === null ? {} : { app: onlyApp }) };
    return this.#keys.find(filter).sort({ _id: 1 }).limit(1_000).lean<ApiKeyRow[]>();
  }

  /** Has the tokens of an application end at a time, unless they end before. @param sessions only theirs; null = all */
  async expireAll(app: string, sessions: readonly string[] | null, at: Date): Promise<void> {
    const whose = sessions === null ? {} : { session: { $in: [...sessions] } };
    await this.#keys.updateMany(
      { app, ...whose, revokedAt: null, $or: [{ expiresAt: null }, { expiresAt: { $gt: at } }] },
      { $set: { expiresAt: at } },
      { writeConcern: DURABLE },
    );
  }

  /** Has a key end at a time, unless it ends before. */
  async expire(id: string, at: Date): Promise<void> {
    await this.#keys.updateOne(
      { _id: id, revokedAt: null, $or: [{ expiresAt: null }, { expiresAt: { $gt: at } }] },
      { $set: { expiresAt: at } },
      { writeConcern: DURABLE },
    );
  }

  /** False when there is no such key in use. @param onlyApp as for `list` */
  async revoke(id: string, onlyApp: string | null, now: Date): Promise<boolean> {
    const result = await this.#keys.updateOne(
      { _id: id, revokedAt: null, ...(onlyApp === null ? {} : { app: onlyApp }) },
      { $set: { revokedAt: now } },
      { writeConcern: DURABLE },
    );
    return result.modifiedCount === 1;
  }
}
