import { isDeepStrictEqual } from 'node:util';
import type mongoose from 'mongoose';
import type { Doc, Ledger } from './ledger.js';
import { judgeOplog } from './oplog-judge.js';
import type { LogPosition } from './oplog-judge.js';
import { TAGS } from './write-load.js';
import type { Counter, Job, Outcomes, WriteLoad } from './write-load.js';

export type Kind = 'lost' | 'wrong' | 'unknown' | 'twice' | 'refused' | 'index' | 'oplog' | 'validate';

/** One thing that a correct server would not have done. */
export interface Problem {
  kind: Kind;
  text: string;
}

type Report = (kind: Kind, text: string) => void;

/** Compares what was acknowledged in a round with what the server holds after it came back. */
export async function judge(load: WriteLoad, log: LogPosition): Promise<Problem[]> {
  const problems: Problem[] = [];
  const report: Report = (kind, text) => problems.push({ kind, text });
  for (const text of load.ledger.refusals) report('refused', text);
  try {
    const [documents, counters, jobs] = [load.documents, load.counters, load.jobs].map((collection) =>
      collection.find({} as never, { hint: { $natural: 1 } }).toArray(),
    ) as [Promise<Doc[]>, Promise<Counter[]>, Promise<Job[]>];
    judgeDocuments(load.ledger, await documents, report);
    judgeCounters(load.outcomes, await counters, report);
    judgeClaims(load.outcomes, await jobs, report);
    await judgeIndexes(load.documents, await documents, report);
    await judgeOplog(load, [...(await documents), ...(await counters), ...(await jobs)], log, report);
  } catch (error) {
    report('wrong', `the data cannot be read: ${(error as Error).message}`);
  }
  for (const collection of [load.documents, load.counters, load.jobs])
    await judgeValidity(collection as never, report);
  return problems;
}

function judgeDocuments(ledger: Ledger, stored: Doc[], report: Report): void {
  const byId = new Map(stored.map((doc) => [doc._id, doc]));
  if (byId.size !== stored.length) report('twice', `${stored.length - byId.size} documents are there twice`);
  for (const [id, states] of ledger.states) {
    const found = byId.get(id) ?? null;
    if (states.some((state) => isDeepStrictEqual(state, found))) continue;
    report(
      found ? 'wrong' : 'lost',
      `${id} is ${JSON.stringify(found)}, expected ${JSON.stringify(states)}`.slice(0, 300),
    );
  }
  for (const id of byId.keys())
    if (!ledger.states.has(id)) report('unknown', `${id} was never written by anybody`);
}

function judgeCounters({ increments, returned }: Outcomes, stored: Counter[], report: Report): void {
  for (const [at, { done, open }] of increments.entries()) {
    const n = stored.find(({ _id }) => _id === `counter${at}`)?.n ?? 0;
    if (n < done) report('lost', `counter${at} is ${n} after ${done} acknowledged increments`);
    if (n > done + open)
      report('twice', `counter${at} is ${n} after ${done} increments and ${open} without answer`);
  }
  const values = new Set(returned);
  if (values.size !== returned.length)
    report('twice', `${returned.length - values.size} values of counters were returned twice`);
}

function judgeClaims({ claims, openClaims }: Outcomes, jobs: Job[], report: Report): void {
  const owner = new Map(jobs.map(({ _id, by }) => [_id, by]));
  const claimants = jobs.flatMap(({ by }) => by ?? []);
  for (const { job, by } of claims)
    if (owner.get(job) !== by) report('lost', `job ${job} was claimed by ${by}, it says ${owner.get(job)}`);
  const known = new Set([...claims.map(({ by }) => by), ...openClaims]);
  for (const by of claimants) if (!known.has(by)) report('unknown', `${by} holds a job without an answer`);
  if (new Set(claimants).size !== claimants.length) report('twice', 'one claim took several jobs');
}

/** Each index must lead to the same documents as a scan. */
async function judgeIndexes(
  collection: mongoose.mongo.Collection<Doc>,
  scanned: Doc[],
  report: Report,
): Promise<void> {
  const through = async (filter: object, hint: object): Promise<string[]> =>
    (await collection.find(filter, { hint } as never).toArray()).map(({ _id }) => _id);
  const same = (what: string, found: string[], expected: Doc[]): void => {
    const ids = expected.map(({ _id }) => _id);
    if (!isDeepStrictEqual(found.toSorted(), ids.toSorted()))
      report('index', `${what} finds ${found.length} documents, a scan ${ids.length}`);
  };
  same('index _id_', await through({ _id: { $gte: '' } }, { _id: 1 }), scanned);
  same('index u_1', await through({ u: { $gte: '' } }, { u: 1 }), scanned);
  const keys = (await collection.indexes()).map(({ name }) => name);
  for (const hint of keys.includes('tags_1_n_-1') ? [{ tags: 1 }, { tags: 1, n: -1 }] : [{ tags: 1 }]) {
    for (let tag = 0; tag < TAGS; tag += 1) {
      const expected = scanned.filter(({ tags }) => tags.includes(tag));
      same(`index ${JSON.stringify(hint)} for ${tag}`, await through({ tags: tag }, hint), expected);
    }
  }
}

/** The server's own check of documents against indexes. */
export async function judgeValidity(collection: mongoose.mongo.Collection, report: Report): Promise<void> {
  const { db, collectionName } = collection as unknown as { db: mongoose.mongo.Db; collectionName: string };
  const answer = await db.command({ validate: collectionName, full: true });
  if (answer['valid'] !== true || answer['errors'].length > 0)
    report('validate', `${collectionName}: ${answer['errors'].join('; ')}`);
}
