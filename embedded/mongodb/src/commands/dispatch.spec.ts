import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ObjectId, UUID } from 'bson';
import { doc, toPlain } from '../bson/plain.js';
import { BDoc } from '../bson/values.js';
import { parseIndexSpec } from '../catalog/index.js';
import { CursorStore } from '../cursor/cursor.js';
import { ServerInfo } from '../server-info.js';
import { Engine } from '../storage/engine.js';
import type { Services } from './command.js';
import { dispatch } from './dispatch.js';
import { FailPoints } from './fail-points.js';

let directory: string;
let services: Services;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dispatch-'));
  const engine = new Engine({ directory, oplogMaxBytes: 2 ** 20 });
  const options = { directory, bind: '127.0.0.1', port: 0, setName: 'rs0', oplogMb: 1, testCommands: true };
  const info = new ServerInfo(options, 0);
  services = { engine, cursors: new CursorStore(), info, failPoints: new FailPoints() };
});

afterEach(() => {
  services.engine.close();
  rmSync(directory, { recursive: true });
});

/** The code of the error that a command ends with; undefined if it succeeds. */
async function errorOf(command: object): Promise<unknown> {
  return (await replyTo(command)).get('code');
}

async function replyTo(command: object): Promise<BDoc> {
  const request = {
    body: doc({ ...command, $db: '$db' in command ? command.$db : 't' } as never),
    sequences: new Map(),
  };
  return (await dispatch(services, { id: 1, address: '', appName: undefined }, request)) as BDoc;
}

const index = (key: object, options: object = {}): object => ({
  createIndexes: 'c',
  indexes: [{ key, name: 'x', ...options }],
});
const change = (options: object): object => ({ collMod: 'c', index: options });
const session = { lsid: { id: new UUID() } };

test.each([
  [2, { find: 'c', maxTimeMS: 'x' }],
  [2, { find: 'c', maxTimeMS: 1.5 }],
  [2, { find: 'c', maxTimeMS: 2 ** 31 }],
  [14, { find: 'c', readConcern: 1 }],
  [14, { find: 'c', readConcern: { afterClusterTime: 1 } }],
  [2, { find: 'c', readConcern: { level: 'nosuch' } }],
  [14, { insert: 'c', documents: [{}], writeConcern: 1 }],
  [14, { insert: 'c', documents: [{}], txnNumber: 1, ...session }],
  [72, { insert: 'c', documents: [{}], txnNumber: -1n, ...session }],
  [115, { insert: 'c', documents: [{}], txnNumber: 2n ** 53n, ...session }],
  [59, { isdbgrid: 1 }],
  [51024, { collStats: 'c', scale: 0 }],
  [51024, { dbStats: 1, scale: -1 }],
  [115, { shardCollection: 'db.c', key: { a: 1 } }],
  [50768, { find: 'c', txnNumber: 1n, ...session }],
  [50768, { create: 'd', txnNumber: 1n, ...session }],
  [72, { find: 'c', writeConcern: { w: 1 } }],
  [2, { explain: { find: 'c' }, verbosity: 'nosuch' }],
  [2, { find: 'c', sort: { $natural: 2 } }],
  [2, { find: 'c', sort: { $natural: 1, a: 1 } }],
  [2, { find: 'c', hint: { $natural: 'x' } }],
  [2, { find: 'c', sort: { $natural: 1 }, hint: { $natural: -1 } }],
  [2, { find: 'c', sort: { $natural: 1 }, hint: 'a' }],
  [27, { find: 'c', hint: { a: 1 } }],
  [16410, { aggregate: 'c', pipeline: [{ $sort: { $natural: 1 } }], cursor: {} }],
  [9, { createIndexes: 'c', indexes: [{ key: { b: 1 } }] }],
  [51024, { listIndexes: 'c', cursor: { batchSize: -1 } }],
  [197, index({ _id: 1 }, { unique: true })],
  [2, index({ _id: -1 })],
  [2, index({ b: 1 }, { name: '_id_' })],
  [2, index({ b: 1 }, { name: '*' })],
  [14, { dropIndexes: 'c', index: 1 }],
  [181, { dropIndexes: 'c', index: { a: 1 } }],
  [72, change({ hidden: true })],
  [72, change({ name: 'a', keyPattern: { a: 1 }, hidden: true })],
  [72, change({ name: 'a' })],
  [72, change({ name: 'a', expireAfterSeconds: -1 })],
  [72, change({ name: '_id_', expireAfterSeconds: 1 })],
  [115, change({ name: 'a', unique: true })],
  [40415, { explain: { find: 'c', nosuch: 1 } }],
  [40415, { explain: { update: 'c', updates: [{ q: {}, u: {}, nosuch: 1 }] } }],
  [115, { explain: { find: 'c', collation: { locale: 'de' } } }],
  [115, { explain: { constructor: 'c' } }],
])('error %i for %j', async (code, command) => {
  for (const name of ['a', 'sparse'])
    expect(await errorOf(index({ a: 1 }, { name, sparse: name === 'sparse' }))).toBeUndefined();
  expect(await errorOf(command)).toBe(code);
});

const opened = { find: 'c', batchSize: 1, ...session };
test.each([
  ['another session', 50738, opened, { lsid: { id: new UUID() } }],
  ['no session', 50737, opened, {}],
  ['a session', 50736, { ...opened, lsid: undefined }, session],
  ['a time of its own', 2, opened, { ...session, maxTimeMS: 1_000 }],
  ['the session', undefined, opened, session],
])('getMore with %s: %s', async (_what, code, find, getMore) => {
  await errorOf({ insert: 'c', documents: [{}, {}, {}] });
  const { id } = (await cursorOf(find)) as { id: bigint };
  expect(await errorOf({ getMore: id, collection: 'c', ...getMore })).toBe(code);
});

test('the time of a find is for all its batches together, time between them aside', async () => {
  const found = function* () {
    yield* [doc({}), doc({}), doc({})];
    for (const end = Date.now() + 500; Date.now() < end;) yield undefined;
  };
  const caller = (): { lsid: null; deadline: number } => ({ lsid: null, deadline: Date.now() + 100 });
  const reply = await services.cursors.open('t.c', found(), caller(), { batchSize: 1 });
  const getMore = (reply.get('cursor') as BDoc).get('id');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await errorOf({ getMore, collection: 'c', batchSize: 1 })).toBeUndefined();
  expect(await errorOf({ getMore, collection: 'c' })).toBe(50);
});

test('nor does that of an aggregation run while nobody asks for its next batch', async () => {
  await errorOf({ insert: 'c', documents: Array.from({ length: 100 }, () => ({})) });
  const find = { aggregate: 'c', pipeline: [], cursor: { batchSize: 1 }, maxTimeMS: 100 };
  const { id } = (await cursorOf(find)) as { id: bigint };
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(await errorOf({ getMore: id, collection: 'c' })).toBeUndefined();
});

test('a retryable write that is sent again while it still runs is done once', async () => {
  await errorOf({ insert: 'c', documents: [{ _id: 1, n: 0 }] });
  const updates = Array.from({ length: 3_000 }, () => ({ q: { _id: 1 }, u: { $inc: { n: 1 } } }));
  const command = { update: 'c', updates, txnNumber: 1n, ...session };
  const replies = await Promise.all([replyTo(command), replyTo(command)]);
  expect(replies.map((reply) => reply.get('n'))).toEqual([3_000, 3_000]);
  expect(await cursorOf({ find: 'c' })).toMatchObject({ firstBatch: [{ n: 3_000 }] });
});

test('a write of many ends with its collection and leaves one of the same name alone', async () => {
  const insert = { insert: 'c', documents: Array.from({ length: 3_000 }, () => ({})) };
  await errorOf(insert);
  const deleting = replyTo({ delete: 'c', deletes: [{ q: {}, limit: 0 }] });
  const { catalog, queue } = services.engine;
  while (catalog.get('t.c')!.count === 3_000) await queue.once(() => undefined);
  await errorOf({ drop: 'c' });
  await errorOf(insert);
  expect(toPlain((await deleting).get('writeErrors')!)).toMatchObject([{ code: 175 }]);
  expect(catalog.get('t.c')!.count).toBe(3_000);
});

test('an index that is named twice is dropped once, and no other', async () => {
  for (const name of ['a', 'b', 'c']) await errorOf(index({ [name]: 1 }, { name }));
  expect(await errorOf({ dropIndexes: 'c', index: ['a', 'a'] })).toBeUndefined();
  const { firstBatch } = (await cursorOf({ listIndexes: 'c' })) as { firstBatch: { name: string }[] };
  expect(firstBatch.map(({ name }) => name)).toEqual(['_id_', 'b', 'c']);
});

test('an index that is being built is not changed by collMod', async () => {
  const { queue, catalog, collectionForWrite } = services.engine;
  await queue.once(() => {
    const collection = collectionForWrite.call(services.engine, 't.c');
    catalog.addIndex(collection, parseIndexSpec(doc({ name: 'x', key: { a: 1 } })), 'building');
  });
  expect(await errorOf(change({ name: 'x', hidden: true }))).toBe(12587);
});

test('an $out that is refused at its end leaves nothing behind', async () => {
  await errorOf({ insert: 'c', documents: [{}] });
  expect(await errorOf({ aggregate: 'c', pipeline: [{ $out: 'a$b' }], cursor: {} })).toBe(73);
  const { firstBatch } = (await cursorOf({ listCollections: 1 })) as { firstBatch: { name: string }[] };
  expect(firstBatch.map(({ name }) => name)).toEqual(['c']);
});

async function cursorOf(command: object): Promise<unknown> {
  return toPlain((await replyTo(command)).get('cursor') ?? null);
}

test.each([
  { find: 'c', filter: null, sort: null, batchSize: null },
  { distinct: 'c', key: 'a', query: null },
  { update: 'c', updates: [{ q: {}, u: { $set: { a: 1 } }, multi: null, arrayFilters: null }] },
])('null stands for a field that is not there: %j', async (command) => {
  await errorOf({ insert: 'c', documents: [{ a: 1 }] });
  expect(await errorOf(command)).toBeUndefined();
});

test.each(['admin', 'local'])('the database %s is not dropped', async ($db) => {
  expect(await errorOf({ dropDatabase: 1, $db })).toBe(20);
});

test('a collection that is there may be created again, the oplog with its other options not', async () => {
  for (const _ of [1, 2]) expect(await errorOf({ create: 'c' })).toBeUndefined();
  expect(await errorOf({ create: 'oplog.rs', $db: 'local' })).toBe(48);
});

test('a database may have a name that only Windows forbids', async () => {
  expect(await errorOf({ insert: 'c', documents: [{}], $db: 'a:b' })).toBeUndefined();
});

test('an index build keeps to its time and leaves nothing behind', async () => {
  const documents = Array.from({ length: 5_000 }, (_, a) => ({ a }));
  await errorOf({ insert: 'c', documents });
  expect(await errorOf({ ...index({ a: 1 }), maxTimeMS: 1 })).toBe(50);
  expect((await replyTo(index({ a: 1 }))).get('numIndexesBefore')).toBe(1);
});

test.each([
  [11000, { key: { a: 1 }, name: 'u', unique: true }],
  [86, { key: { z: 1 }, name: 'b' }],
])('of the indexes of one command none stays if one fails with %i', async (code, failing) => {
  await errorOf({ insert: 'c', documents: [{ a: 1 }, { a: 1 }] });
  const indexes = [{ key: { b: 1 }, name: 'b' }, failing];
  expect(await errorOf({ createIndexes: 'c', indexes })).toBe(code);
  expect((await replyTo(index({ c: 1 }))).get('numIndexesBefore')).toBe(1);
});

test('two commands that build the same indexes in another order both end', async () => {
  await errorOf({ insert: 'c', documents: Array.from({ length: 600 }, (_, a) => ({ a })) });
  const indexes = ['a', 'b'].map((name) => ({ key: { [name]: 1 }, name }));
  const both = [indexes, indexes.toReversed()].map((some) => replyTo({ createIndexes: 'c', indexes: some }));
  const notes = (await Promise.all(both)).map((reply) => reply.has('note'));
  expect(notes).toEqual([false, true]);
});

test('a hello that knows another process is answered at once', async () => {
  const topologyVersion = { processId: new ObjectId(), counter: 0n };
  const waiting = replyTo({ hello: 1, topologyVersion, maxAwaitTimeMS: 5_000 });
  const late = new Promise((resolve) => setTimeout(() => resolve('late'), 1_000).unref());
  expect(await Promise.race([waiting, late])).toBeInstanceOf(BDoc);
});

test('serverStatus leaves out the sections that are set to 0', async () => {
  const status = await replyTo({ serverStatus: 1, repl: 0, metrics: 1 });
  expect([status.has('repl'), status.has('metrics')]).toEqual([false, true]);
});

test('validate takes what PyMongo sends with it', async () => {
  await errorOf({ insert: 'c', documents: [{}] });
  expect((await replyTo({ validate: 'c', scandata: false, full: false })).get('valid')).toBe(true);
});

test.each([[{ $out: 'd' }], [{ $merge: 'd' }]])('%j says what its write concern lacks', async (stage) => {
  const reply = await replyTo({ aggregate: 'c', pipeline: [stage], cursor: {}, writeConcern: { w: 3 } });
  expect(toPlain(reply.get('writeConcernError') ?? null)).toMatchObject({ code: 100 });
});

test('a number in the path of distinct is a position, not a name in the elements', async () => {
  const documents = [{ a: [{ 0: 'name' }, { x: 1 }] }];
  expect(await errorOf({ insert: 'c', documents })).toBeUndefined();
  const reply = await replyTo({ distinct: 'c', key: 'a.0' });
  expect(toPlain(reply.get('values') ?? null)).toEqual([{ 0: 'name' }]);
});

test('a command of a transaction is refused, whatever fail points are set', async () => {
  services.failPoints.configure(
    'failCommand',
    'alwaysOn',
    BDoc.of(['failCommands', ['find']], ['errorCode', 112]),
  );
  expect(await errorOf({ find: 'c' })).toBe(112);
  expect(await errorOf({ find: 'c', startTransaction: true, autocommit: false })).toBe(115);
});

test('$merge knows no other action than its own', async () => {
  const merge = { into: 'd', whenMatched: 'constructor' };
  expect(await errorOf({ aggregate: 'c', pipeline: [{ $merge: merge }], cursor: {} })).toBe(2);
});

test('$out leaves nothing behind where its target has no valid name', async () => {
  await errorOf({ insert: 'c', documents: [{}] });
  expect(await errorOf({ aggregate: 'c', pipeline: [{ $out: 'a$b' }], cursor: {} })).toBe(73);
  expect(services.engine.catalog.list().map(({ ns }) => ns)).toEqual(['local.oplog.rs', 't.c']);
});

test.each(['$out', '$merge'])('%s does not write what a linearizable read has seen', async (stage) => {
  const pipeline = [{ [stage]: stage === '$out' ? 'd' : { into: 'd' } }];
  const command = { aggregate: 'c', pipeline, cursor: {} };
  expect(await errorOf({ ...command, readConcern: { level: 'linearizable' } })).toBe(72);
  expect(await errorOf({ ...command, readConcern: { level: 'majority' } })).toBeUndefined();
});
