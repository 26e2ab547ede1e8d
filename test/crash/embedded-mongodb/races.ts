import type mongoose from 'mongoose';
import { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';

export interface RaceReport {
  name: string;
  operations: number;
  perSecond: number;
  /** What a server that loses no race would not have let happen. */
  problems: string[];
}

export interface RacePlan {
  increments: number;
  jobs: number;
  keys: number;
  /** Read first and write then, in two commands, and no unique index: what must fail, if these races prove anything. */
  naive: boolean;
}

export const FULL_RACES: RacePlan = { increments: 12_800, jobs: 14_000, keys: 500, naive: false };

const INCREMENTERS = 64;
const CLAIMERS = 32;
/** Clients that try to be the first to insert the same key. */
const RIVALS = 32;
const DUPLICATE_KEY = 11_000;

/** Many clients want the same documents at the same time. */
export async function races(plan: RacePlan): Promise<RaceReport[]> {
  const server = await EmbeddedProcess.start();
  try {
    const client = await server.connect({ maxPoolSize: INCREMENTERS });
    const db = client.db('races');
    await Promise.all(Array.from({ length: INCREMENTERS }, () => db.command({ ping: 1 })));
    const reports = [await incrementRace(db, plan), await claimRace(db, plan), await keyRace(db, plan)];
    for (const { name } of await db.listCollections().toArray()) {
      const { valid, errors } = await db.command({ validate: name, full: true });
      if (!valid) reports[0]!.problems.push(`validate ${name}: ${errors}`);
    }
    return reports;
  } finally {
    await server.stop();
  }
}

async function incrementRace(db: mongoose.mongo.Db, plan: RacePlan): Promise<RaceReport> {
  const counters = db.collection<{ _id: number; n: number }>('counters');
  await counters.insertOne({ _id: 1, n: 0 });
  const increment = async (): Promise<void> => {
    if (!plan.naive) {
      await counters.updateOne({ _id: 1 }, { $inc: { n: 1 } });
      return;
    }
    const { n } = (await counters.findOne({ _id: 1 }))!;
    await counters.updateOne({ _id: 1 }, { $set: { n: n + 1 } });
  };
  const each = plan.increments / INCREMENTERS;
  const perSecond = await rate(plan.increments, INCREMENTERS, async () => {
    for (let n = 0; n < each; n += 1) await increment();
  });
  const n = (await counters.findOne({ _id: 1 }))?.n;
  const problems = n === plan.increments ? [] : [`the sum is ${n}, expected ${plan.increments}`];
  return {
    name: `${INCREMENTERS} clients $inc one document`,
    operations: plan.increments,
    perSecond,
    problems,
  };
}

interface Job {
  _id: number;
  state: string;
  at: number;
}

async function claimRace(db: mongoose.mongo.Db, plan: RacePlan): Promise<RaceReport> {
  const jobs = db.collection<Job>('jobs');
  await jobs.createIndex({ state: 1, at: 1 });
  await jobs.insertMany(
    Array.from({ length: plan.jobs }, (_, n) => ({ _id: n, state: 'waiting', at: plan.jobs - n })),
  );
  const take = { $set: { state: 'taken' } };
  const claim = async (): Promise<Job | null> => {
    if (!plan.naive) return jobs.findOneAndUpdate({ state: 'waiting' }, take, { sort: { at: 1 } });
    const job = await jobs.findOne({ state: 'waiting' }, { sort: { at: 1 } });
    if (job) await jobs.updateOne({ _id: job._id }, take);
    return job;
  };
  const taken: number[] = [];
  const perSecond = await rate(plan.jobs, CLAIMERS, async () => {
    for (let job = await claim(); job; job = await claim()) taken.push(job._id);
  });
  const distinct = new Set(taken).size;
  const left = await jobs.countDocuments({ state: 'waiting' });
  const problems: string[] = [];
  if (distinct !== taken.length) problems.push(`${taken.length - distinct} jobs were taken twice`);
  if (distinct !== plan.jobs || left > 0)
    problems.push(`${plan.jobs - distinct} jobs were not taken, ${left} wait`);
  const name = `${CLAIMERS} claimers with sort over ${plan.jobs} documents`;
  return { name, operations: plan.jobs, perSecond, problems };
}

async function keyRace(db: mongoose.mongo.Db, plan: RacePlan): Promise<RaceReport> {
  const users = db.collection('users');
  await users.createIndex({ email: 1 }, { unique: !plan.naive });
  const wins = Array<number>(plan.keys).fill(0);
  const wrong: string[] = [];
  const perSecond = await rate(plan.keys * RIVALS, RIVALS, async (rival) => {
    for (let key = 0; key < plan.keys; key += 1) {
      try {
        await users.insertOne({ email: `${key}@example.org`, rival });
        wins[key]! += 1;
      } catch (error) {
        const { code, message } = error as mongoose.mongo.MongoServerError;
        if (code !== DUPLICATE_KEY) wrong.push(message);
      }
    }
  });
  const stored = await users.distinct('email');
  const count = await users.countDocuments();
  const problems = wrong.slice(0, 10);
  const unfair = wins.filter((won) => won !== 1).length;
  if (unfair > 0) problems.push(`${unfair} keys were won by none or several`);
  if (count !== plan.keys || stored.length !== plan.keys)
    problems.push(`${count} documents with ${stored.length} keys are stored, expected ${plan.keys}`);
  const name = `${RIVALS} clients insert each of ${plan.keys} unique keys`;
  return { name, operations: plan.keys * RIVALS, perSecond, problems };
}

/** Operations per second of `clients` that all start at once. */
async function rate(
  operations: number,
  clients: number,
  run: (client: number) => Promise<void>,
): Promise<number> {
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return Math.round((operations / (performance.now() - started)) * 1_000);
}
