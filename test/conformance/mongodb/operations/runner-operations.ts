import { ClientSession } from 'mongodb';
import type { Document, MongoClient } from 'mongodb';
import type { Entities } from '../entities.js';
import { expectMatch } from '../matcher.js';
import { ObservedClient } from '../observed-client.js';
import type { ObservedEvent } from '../observed-client.js';
import type { Arguments } from './arguments.js';

/** What the operations of the test runner itself work on. */
export interface RunnerState {
  entities: Entities;
  /** A client that no test observes. */
  admin: MongoClient;
  failPoints: Set<string>;
}

type RunnerOperation = (state: RunnerState, args: Arguments) => Promise<unknown>;

const EVENT_DEADLINE_MS = 10_000;

export const runnerOperations: Record<string, RunnerOperation> = {
  createEntities: ({ entities }, args) => entities.create(args.required<Document[]>('entities')),
  failPoint: async ({ entities, failPoints }, args) => {
    const { client } = entities.of(ObservedClient, args.required<string>('client'));
    const failPoint = args.required('failPoint');
    await client.db('admin').command(failPoint);
    failPoints.add(failPoint['configureFailPoint']);
  },
  assertCollectionExists: (state, args) => expectCollection(state, args, true),
  assertCollectionNotExists: (state, args) => expectCollection(state, args, false),
  assertIndexExists: (state, args) => expectIndex(state, args, true),
  assertIndexNotExists: (state, args) => expectIndex(state, args, false),
  assertSessionDirty: (state, args) => expectDirty(state, args, true),
  assertSessionNotDirty: (state, args) => expectDirty(state, args, false),
  assertSessionTransactionState: async ({ entities }, args) => {
    const session = entities.of(ClientSession, args.required<string>('session'));
    const state = STATES[(session as unknown as { transaction: { state: string } }).transaction.state];
    equal('the transaction state', state, args.required<string>('state'));
  },
  assertSameLsidOnLastTwoCommands: async (state, args) => {
    const [before, last] = lastTwoSessions(state, args);
    expectMatch(before, last, state.entities, 'lsid');
  },
  assertDifferentLsidOnLastTwoCommands: async (state, args) => {
    const [before, last] = lastTwoSessions(state, args);
    equal('same session', isSame(before, last, state), false);
  },
  assertNumberConnectionsCheckedOut: async ({ entities }, args) => {
    const { client } = entities.of(ObservedClient, args.required<string>('client'));
    equal('connections checked out', checkedOut(client), Number(args.required('connections')));
  },
  waitForEvent: async ({ entities }, args) => {
    const { events } = entities.of(ObservedClient, args.required<string>('client'));
    const event = args.required('event');
    const count = Number(args.required('count'));
    await until(() => events.filter((seen) => isEvent(seen, event, entities)).length >= count);
  },
};

async function expectCollection({ admin }: RunnerState, args: Arguments, wanted: boolean): Promise<void> {
  const db = admin.db(args.required<string>('databaseName'));
  const name = args.required<string>('collectionName');
  const found = await db.listCollections({ name }, { nameOnly: true }).toArray();
  equal(`collection ${name} exists`, found.length > 0, wanted);
}

async function expectIndex({ admin }: RunnerState, args: Arguments, wanted: boolean): Promise<void> {
  const db = admin.db(args.required<string>('databaseName'));
  const collection = args.required<string>('collectionName');
  const name = args.required<string>('indexName');
  const exists = (await db.listCollections({ name: collection }).toArray()).length > 0;
  const indexes = exists ? await db.collection(collection).listIndexes().toArray() : [];
  equal(
    `index ${name} exists`,
    indexes.some((index) => index['name'] === name),
    wanted,
  );
}

async function expectDirty({ entities }: RunnerState, args: Arguments, wanted: boolean): Promise<void> {
  const session = entities.of(ClientSession, args.required<string>('session'));
  equal('session is dirty', session.serverSession.isDirty, wanted);
}

function lastTwoSessions({ entities }: RunnerState, args: Arguments): [unknown, unknown] {
  const { events } = entities.of(ObservedClient, args.required<string>('client'));
  const started = events.filter(({ name }) => name === 'commandStartedEvent').slice(-2);
  if (started.length < 2) throw new Error(`expected two commands, got ${started.length}`);
  return [started[0]?.fields['command'].lsid, started[1]?.fields['command'].lsid];
}

function isSame(a: unknown, b: unknown, { entities }: RunnerState): boolean {
  try {
    expectMatch(a, b, entities);
    return true;
  } catch {
    return false;
  }
}

function isEvent(seen: ObservedEvent, wanted: Document, entities: Entities): boolean {
  const [name, fields] = Object.entries(wanted)[0] as [string, Document];
  if (seen.name !== name) return false;
  try {
    expectMatch(fields, seen.fields, entities);
    return true;
  } catch {
    return false;
  }
}

/** The driver keeps its pools to itself. */
function checkedOut(client: MongoClient): number {
  const { topology } = client as unknown as {
    topology?: { s: { servers: Map<string, { pool: { currentCheckedOutCount: number } }> } };
  };
  const pools = [...(topology?.s.servers.values() ?? [])].map(({ pool }) => pool.currentCheckedOutCount);
  return pools.reduce((sum, count) => sum + count, 0);
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + EVENT_DEADLINE_MS; !isTrue();) {
    if (Date.now() > deadline) throw new Error(`expected the event within ${EVENT_DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function equal(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected)
    throw new Error(`expected ${what} to be ${String(expected)}, got ${String(actual)}`);
}

/** The driver's names of transaction states, as tests name them. */
const STATES: Record<string, string> = {
  NO_TRANSACTION: 'none',
  STARTING_TRANSACTION: 'starting',
  TRANSACTION_IN_PROGRESS: 'in_progress',
  TRANSACTION_COMMITTED: 'committed',
  TRANSACTION_COMMITTED_EMPTY: 'committed',
  TRANSACTION_ABORTED: 'aborted',
};
