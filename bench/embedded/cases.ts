import type mongoose from 'mongoose';
import type { Readers } from './readers.js';

type Collection<T extends mongoose.mongo.Document = mongoose.mongo.Document> = mongoose.mongo.Collection<T>;

/**
 * One measured case: what is counted, how often, and the bar that it should meet on the reference machine. `ms` is the
 * time of one unit and should stay below its bar; all others are units per second.
 */
export interface Case {
  name: string;
  unit: '1/s' | 'documents/s' | 'ms';
  bar: number;
  /** Does the work and returns how many units it did. */
  run(context: CaseContext): Promise<number>;
}

export interface CaseContext {
  client: mongoose.mongo.MongoClient;
  docs: Collection<Doc>;
  readers: Readers;
  /** Documents in `docs`. */
  count: number;
  /** Differs from run to run, for names and ids that must be fresh. */
  round: number;
}

/** About 300 bytes of BSON. */
export interface Doc {
  _id: number;
  tenant: string;
  key: number;
  n: number;
  at: Date;
  pad: string;
}

export const IN_FLIGHT = 64;
const BATCH = 500;

export function document(id: number): Doc {
  return { _id: id, tenant: `t${id % 10}`, key: id, n: 0, at: new Date(1e12 + id), pad: 'x'.repeat(200) };
}

/** Inserts `count` documents in batches of 500. */
export async function fill(collection: Collection<Doc>, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    await collection.insertMany(Array.from({ length: BATCH }, (_, n) => document(from + n)));
  }
}

/** Runs `total` operations with at most `width` of them at a time. */
export async function inFlight(
  total: number,
  width: number,
  operation: (n: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) await operation(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return total;
}

/** A permutation-like walk over the ids, so that neither cache nor key order flatters a lookup. */
export const scattered = (n: number, count: number): number => (n * 7_919) % count;

const fresh = ({ client, round }: CaseContext, name: string): Collection<Doc> =>
  client.db('bench').collection<Doc>(`${name}${round}`);

export const CASES: Case[] = [
  {
    name: 'insertMany, 500 per call',
    unit: 'documents/s',
    bar: 40_000,
    async run(context) {
      await fill(fresh(context, 'many'), 50_000);
      return 50_000;
    },
  },
  {
    name: `insertOne, ${IN_FLIGHT} in flight`,
    unit: '1/s',
    bar: 8_000,
    run(context) {
      const collection = fresh(context, 'one');
      return inFlight(15_000, IN_FLIGHT, (n) => collection.insertOne(document(n)));
    },
  },
  {
    name: 'updateOne $inc by _id, 1 in flight',
    unit: '1/s',
    bar: 1_500,
    run: ({ docs, count }) =>
      inFlight(2_000, 1, (n) => docs.updateOne({ _id: scattered(n, count) }, { $inc: { n: 1 } })),
  },
  {
    name: `updateOne $inc by _id, ${IN_FLIGHT} in flight`,
    unit: '1/s',
    bar: 8_000,
    run: ({ docs, count }) =>
      inFlight(15_000, IN_FLIGHT, (n) => docs.updateOne({ _id: scattered(n, count) }, { $inc: { n: 1 } })),
  },
  {
    name: `findOne by _id, ${IN_FLIGHT} in flight, two client processes`,
    unit: '1/s',
    bar: 15_000,
    run: ({ readers, count }) => readers.read('_id', 20_000, count),
  },
  {
    name: `find by secondary key, ${IN_FLIGHT} in flight, two client processes`,
    unit: '1/s',
    bar: 10_000,
    run: ({ readers, count }) => readers.read('key', 20_000, count),
  },
  {
    name: 'range, sort and limit 50 served by an index',
    unit: 'ms',
    bar: 5,
    run: ({ docs, count }) =>
      inFlight(500, 1, async (n) => {
        const at = { $gte: document(scattered(n, count * 0.9)).at };
        const page = await docs.find({ tenant: 't7', at }).sort({ at: 1 }).limit(50).toArray();
        if (page.length !== 50) throw new Error(`expected 50 documents, got ${page.length}`);
      }),
  },
  {
    name: 'filter without index, documents scanned',
    unit: 'documents/s',
    bar: 300_000,
    async run({ docs, count }) {
      await docs.find({ n: -1 }).toArray();
      return count;
    },
  },
  {
    name: '$group of all documents into 10 keys',
    unit: 'documents/s',
    bar: 250_000,
    async run({ docs, count }) {
      await docs.aggregate([{ $group: { _id: '$tenant', n: { $sum: 1 } } }]).toArray();
      return count;
    },
  },
  {
    name: 'claim: findOneAndUpdate with sort, 14,000 documents, 32 workers',
    unit: '1/s',
    bar: 3_000,
    async run(context) {
      const jobs = context.client.db('bench').collection(`jobs${context.round}`);
      await jobs.createIndex({ state: 1, at: 1 });
      await jobs.insertMany(
        Array.from({ length: 14_000 }, (_, at) => ({ state: 'waiting', at, pad: 'x'.repeat(200) })),
      );
      const claim = { $set: { state: 'taken' } };
      return inFlight(10_000, 32, () =>
        jobs.findOneAndUpdate({ state: 'waiting' }, claim, { sort: { at: 1 } }),
      );
    },
  },
];
