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
    return this.#keys.findOne({ prefix, revokedAt: null }).lean<ApiKeyRow | null>();
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

  list(): Promise<ApiKeyRow[]> {
    return this.#keys.find().sort({ _id: 1 }).limit(1_000).lean<ApiKeyRow[]>();
  }

  /** False when there is no such key in use. */
  async revoke(id: string, now: Date): Promise<boolean> {
    const result = await this.#keys.updateOne(
      { _id: id, revokedAt: null },
      { $set: { revokedAt: now } },
      { writeConcern: DURABLE },
    );
    return result.modifiedCount === 1;
  }
}
