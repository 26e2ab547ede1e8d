import { DURABLE } from '../connection.js';
import { duplicatePositions, isDuplicateKey } from '../duplicate-key.js';
import type { AttemptRow } from './attempt.schema.js';
import type { WebhookModels } from './webhook-models.js';

/** Attempts as the delivery side writes them; they are never changed but for `late`. */
export class AttemptRepository {
  constructor(private readonly models: WebhookModels) {}

  /**
   * Stores attempts. Inserting an attempt twice is harmless. A number that is taken (the crash of an earlier worker
   * fell between its two writes) gives way to the next free one, in the row too.
   */
  async insert(rows: readonly AttemptRow[], durable: boolean): Promise<void> {
    if (rows.length === 0) return;
    const writeConcern = durable ? DURABLE : { w: 1 as const };
    try {
      await this.#attempts.insertMany(rows as never, { ordered: false, writeConcern });
    } catch (error) {
      for (const position of duplicatePositions(error)) await this.#insertNext(rows[position]!);
    }
  }

  /** Marks attempts whose result came after somebody else's. */
  async markLate(ids: readonly string[]): Promise<void> {
    await this.#attempts.updateMany({ _id: { $in: ids as never[] } }, { $set: { late: true } });
  }

  async #insertNext(row: AttemptRow): Promise<void> {
    for (;;) {
      if ((await this.#attempts.findOne({ _id: row._id as never })) !== null) return;
      const [last] = await this.#attempts.find({ dlv: row.dlv }).sort({ dlv: -1, n: -1 }).limit(1).toArray();
      row.n = ((last?.['n'] as number | undefined) ?? 0) + 1;
      try {
        await this.#attempts.insertOne(row as never, { writeConcern: DURABLE });
        return;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }
  }

  get #attempts() {
    return this.models.attempts.collection;
  }
}
