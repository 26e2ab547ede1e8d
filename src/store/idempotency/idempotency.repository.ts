import { Schema } from 'mongoose';
import type { Connection } from 'mongoose';
import { DURABLE } from '../connection.js';
import { isDuplicateKey } from '../duplicate-key.js';

interface IdempotencyRow {
  /** Hash of subject, path and key. */
  _id: string;
  /** Hash of the request. */
  rh: string;
  state: 'running' | 'done';
  status: number | null;
  body: string | null;
  /** When the key was first seen; ids of what the request creates derive from it. */
  at: Date;
  /** When the request that runs now took the key. */
  claimedAt: Date;
}

export type IdempotencyClaim =
  | { state: 'mine'; since: Date }
  | { state: 'running' }
  | { state: 'reused' }
  | { state: 'done'; status: number; body: string };

const KEPT_SECONDS = 24 * 3_600;
/** A first request that died is taken over after this long; an API request lives far shorter. */
const ABANDONED_MS = 60_000;

const idempotencySchema = new Schema<IdempotencyRow>(
  {
    _id: { type: String, required: true },
    rh: { type: String, required: true },
    state: { type: String, required: true },
    status: { type: Number, default: null },
    body: { type: String, default: null },
    at: { type: Date, required: true },
    claimedAt: { type: Date, required: true },
  },
  { collection: 'wh_idem', versionKey: false },
);
idempotencySchema.index({ at: 1 }, { expireAfterSeconds: KEPT_SECONDS });

/** First answers of POST requests that carry an idempotency key, kept for a day. */
export class IdempotencyRepository {
  readonly #rows;

  constructor(connection: Connection) {
    this.#rows = connection.model('IdempotentRequest', idempotencySchema);
  }

  createIndexes(): Promise<void> {
    return this.#rows.createIndexes();
  }

  /** Takes the key for this request, or tells what became of the request that had it first. */
  async claim(id: string, requestHash: string, now: Date): Promise<IdempotencyClaim> {
    const row: IdempotencyRow = {
      _id: id,
      rh: requestHash,
      state: 'running',
      status: null,
      body: null,
      at: now,
      claimedAt: now,
    };
    try {
      await this.#rows.create([row], DURABLE);
      return { state: 'mine', since: now };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    const abandoned = { $lt: new Date(now.getTime() - ABANDONED_MS) };
    const taken = await this.#rows
      .findOneAndUpdate(
        { _id: id, rh: requestHash, state: 'running', claimedAt: abandoned },
        { $set: { claimedAt: now } },
        { writeConcern: DURABLE },
      )
      .lean<IdempotencyRow | null>();
    if (taken !== null) return { state: 'mine', since: taken.at };
    const first = await this.#rows.findById(id).lean<IdempotencyRow | null>();
    if (first !== null && first.rh !== requestHash) return { state: 'reused' };
    if (first === null || first.state === 'running') return { state: 'running' };
    return { state: 'done', status: first.status ?? 200, body: first.body ?? 'null' };
  }

  async finish(id: string, status: number, body: string): Promise<void> {
    await this.#rows.updateOne(
      { _id: id },
      { $set: { state: 'done', status, body } },
      { writeConcern: DURABLE },
    );
  }

  /** Only successes are kept: a failed request may be repeated with the same key. */
  async release(id: string): Promise<void> {
    await this.#rows.deleteOne({ _id: id, state: 'running' }, { writeConcern: DURABLE });
  }
}
