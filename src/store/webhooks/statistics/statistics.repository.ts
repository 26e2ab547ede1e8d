import { bucketId, LEVEL_MS } from '../../../domain/webhooks/statistics/bucket.js';
import type { BucketRange, Level } from '../../../domain/webhooks/statistics/bucket.js';
import type { Counts } from '../../../domain/webhooks/statistics/attempt-counts.js';
import { duplicatePositions } from '../../duplicate-key.js';
import type { WebhookModels } from '../webhook-models.js';
import type { StatisticsRow } from './statistics.schema.js';

const ROWS_PER_WRITE = 500;

/** Pre-aggregated counters. Every one is an increment of a document found by its id. */
export class StatisticsRepository {
  constructor(private readonly models: WebhookModels) {}

  /**
   * Adds counts to buckets, in one write.
   * @returns the ids of buckets that another process made in the same moment: to be added again
   */
  async add(counts: ReadonlyMap<string, Counts>): Promise<string[]> {
    const ids = [...counts.keys()];
    const operations = [...counts].map(([id, paths]) => ({
      updateOne: { filter: { _id: id }, update: { $inc: Object.fromEntries(paths) }, upsert: true },
    }));
    try {
      await this.#buckets.bulkWrite(operations, { ordered: false, writeConcern: { w: 1 } });
      return [];
    } catch (error) {
      return duplicatePositions(error).map((position) => ids[position]!);
    }
  }

  /**
   * The buckets of an endpoint or application in these ranges, oldest first within each.
   * @param counters those that are wanted, where histograms are not; else all
   */
  async read<Name extends keyof StatisticsRow>(
    subject: string,
    ranges: readonly BucketRange[],
    counters?: readonly Name[],
  ): Promise<Pick<StatisticsRow, '_id' | Name>[]> {
    const only = counters && Object.fromEntries(counters.map((name) => [name, 1]));
    const read = await Promise.all(
      ranges.map(({ level, fromMs, toMs }) => this.#between(subject, level, fromMs, toMs, only)),
    );
    return read.flat();
  }

  /** Makes the buckets of a subject at a level in a window exactly these. @returns how many were wrong */
  async repair(
    subject: string,
    range: BucketRange,
    counted: ReadonlyMap<string, StatisticsRow>,
  ): Promise<number> {
    const stored = await this.#between(subject, range.level, range.fromMs, range.toMs);
    const wrong = stored
      .filter((row) => !counted.has(row._id))
      .map(({ _id }) => ({ deleteOne: { filter: { _id } } }));
    const known = new Map(stored.map((row) => [row._id, canonical(row)]));
    const missing = [...counted.values()].filter((row) => known.get(row._id) !== canonical(row));
    const right = missing.map((row) => ({
      replaceOne: { filter: { _id: row._id }, replacement: row, upsert: true },
    }));
    const operations = [...wrong, ...right];
    for (let from = 0; from < operations.length; from += ROWS_PER_WRITE) {
      await this.#buckets.bulkWrite(operations.slice(from, from + ROWS_PER_WRITE), { ordered: false });
    }
    return operations.length;
  }

  /** Removes the buckets of a level that begin before a time, of the endpoints and applications that have any. */
  async prune(level: Level, beforeMs: number, alive: () => void): Promise<number> {
    let removed = 0;
    for (let subject = await this.#subjectAfter(''); subject !== null;) {
      const range = { $gte: bucketId(subject, level, 0), $lt: bucketId(subject, level, beforeMs) };
      removed += (await this.#buckets.deleteMany({ _id: range })).deletedCount;
      alive();
      subject = await this.#subjectAfter(subject);
    }
    return removed;
  }

  async #subjectAfter(subject: string): Promise<string | null> {
    const [row] = await this.#buckets
      .find({ _id: { $gt: `${subject};` } }, { projection: { _id: 1 } }) // ';' follows ':'
      .sort({ _id: 1 })
      .limit(1)
      .toArray();
    return row?._id.slice(0, row._id.indexOf(':')) ?? null;
  }

  #between(
    subject: string,
    level: Level,
    fromMs: number,
    toMs: number,
    projection: Record<string, number> = {},
  ): Promise<StatisticsRow[]> {
    const last = bucketId(subject, level, toMs + LEVEL_MS[level] - 1);
    return this.#buckets
      .find({ _id: { $gte: bucketId(subject, level, fromMs), $lt: last } }, { projection })
      .sort({ _id: 1 })
      .batchSize(1_000)
      .toArray();
  }

  get #buckets() {
    return this.models.messages.db.collection<StatisticsRow>('wh_stats');
  }
}

/** The same text for the same counts, whatever the order they were first counted in. */
const canonical = (row: StatisticsRow): string => JSON.stringify(sorted(row));
const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)])
    : value;
