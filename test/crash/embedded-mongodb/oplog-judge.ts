import { isDeepStrictEqual } from 'node:util';
import mongoose from 'mongoose';
import type { WriteLoad } from './write-load.js';

type Stored = { _id: unknown; n?: number };

/** The newest entry of the log that was looked at; the next one must be above it. */
export interface LogPosition {
  ts: mongoose.mongo.Timestamp;
  entries: number;
}

export const LOG_START: LogPosition = { ts: new mongoose.mongo.Timestamp({ t: 0, i: 0 }), entries: 0 };

interface Entry {
  ts: mongoose.mongo.Timestamp;
  op: string;
  ns: string;
  o: Stored;
}

/**
 * Plays the log of a round again from nothing. That gives the stored documents only if it holds each write, once, in
 * the order of the commits; times must ascend strictly, also over restarts.
 */
export async function judgeOplog(
  load: WriteLoad,
  stored: Stored[],
  position: LogPosition,
  report: (kind: 'oplog', text: string) => void,
): Promise<void> {
  const { documents, counters, jobs, ledger } = load;
  const namespaces = new Set([documents, counters, jobs].map(({ namespace }) => namespace));
  const replayed = new Map<unknown, Stored>();
  let writes = 0;
  for await (const entry of entriesAfter(documents, position.ts)) {
    if (!entry.ts.greaterThan(position.ts)) report('oplog', `${text(entry)} follows ${text(position)}`);
    position.ts = entry.ts;
    position.entries += 1;
    if (!namespaces.has(entry.ns)) continue;
    const wrong = play(entry, replayed);
    if (wrong) report('oplog', `${text(entry)} ${entry.op} ${JSON.stringify(entry.o._id)} ${wrong}`);
    writes += 1;
  }
  const differing = stored.filter((doc) => !isDeepStrictEqual(replayed.get(doc._id), doc)).length;
  if (differing > 0 || replayed.size !== stored.length)
    report(
      'oplog',
      `played again it gives ${replayed.size} documents, ${stored.length} are stored, ${differing} differ`,
    );
  const prepared = (await jobs.estimatedDocumentCount()) + (await counters.estimatedDocumentCount());
  const [least, most] = [prepared + ledger.acknowledged, prepared + ledger.acknowledged + ledger.open];
  if (writes < least || writes > most)
    report('oplog', `it holds ${writes} writes, expected ${least} to ${most}`);
}

async function* entriesAfter(
  { db }: { db?: mongoose.mongo.Db },
  ts: mongoose.mongo.Timestamp,
): AsyncGenerator<Entry> {
  const client = (db as unknown as { client: mongoose.mongo.MongoClient }).client;
  yield* client
    .db('local')
    .collection<Entry>('oplog.rs')
    .find({ ts: { $gt: ts } }) as AsyncIterable<Entry>;
}

/** Carries an entry out; says what is wrong with it, if anything. */
function play({ op, o }: Entry, replayed: Map<unknown, Stored>): string | undefined {
  const before = replayed.get(o._id);
  if (op === 'd') replayed.delete(o._id);
  else replayed.set(o._id, o);
  if (op === 'i') return before ? 'inserts what is there' : undefined;
  if (!before) return 'changes what is not there';
  if (op === 'u' && o.n !== undefined && o.n !== (before.n ?? 0) + 1)
    return `jumps from ${before.n} to ${o.n}`;
  return undefined;
}

function text({ ts }: { ts: mongoose.mongo.Timestamp }): string {
  return `${ts.getHighBitsUnsigned()}/${ts.getLowBitsUnsigned()}`;
}
