import type mongoose from 'mongoose';
import { EmbeddedProcess, failure } from './embedded-process.js';

let server: EmbeddedProcess;
let client: mongoose.mongo.MongoClient;
let db: mongoose.mongo.Db;

beforeAll(async () => {
  server = await EmbeddedProcess.start('--test-commands');
  client = await server.connect();
  db = client.db('errors');
  await db.collection('c').insertOne({ _id: 1 as never, n: 1 });
});

afterAll(() => server.stop());

test.each([
  [59, { nosuchcommand: 1 }],
  [115, { mapReduce: 'c' }],
  [115, { saslStart: 1 }],
  [40415, { find: 'c', nosuchfield: 1 }],
  [14, { find: 'c', filter: 1 }],
  [51024, { find: 'c', skip: -1 }],
  [2, { find: 'c', hint: 'nosuchindex' }],
  [40324, { aggregate: 'c', pipeline: [{ $nosuchstage: {} }], cursor: {} }],
  [115, { aggregate: 'c', pipeline: [{ $graphLookup: {} }], cursor: {} }],
  [9, { aggregate: 'c', pipeline: [] }],
  [16, { insert: 'c', documents: [] }],
  [9, { delete: 'c', deletes: [{ q: {}, limit: 2 }] }],
  [9, { findAndModify: 'c', remove: true, arrayFilters: [] }],
  [40414, { delete: 'c', deletes: [{ q: {} }] }],
  [26, { listIndexes: 'nosuchcollection' }],
  [27, { dropIndexes: 'c', index: 'nosuchindex' }],
  [72, { dropIndexes: 'c', index: '_id_' }],
  [67, { createIndexes: 'c', indexes: [{ key: { a: 0 }, name: 'a' }] }],
  [115, { createIndexes: 'c', indexes: [{ key: { a: 'text' }, name: 'a' }] }],
  [115, { create: 'capped', capped: true, size: 1000 }],
  [115, { create: 'view', viewOn: 'c', pipeline: [] }],
  [115, { find: 'c', collation: { locale: 'de' } }],
  [115, { find: 'c', tailable: true }],
  [73, { insert: 'a$b', documents: [{}] }],
  [322, { ping: 1, apiVersion: '2' }],
])('error %i answers %j', async (code, command) => {
  expect((await failure(db.command(command))).code).toBe(code);
});

test('a duplicate key names the index, the pattern and the value', async () => {
  await db.collection('dup').createIndex({ 'a.b': 1 }, { unique: true });
  await db.collection('dup').insertOne({ a: [{ b: 'x' }, { b: 'y' }] });
  const error = await failure(db.collection('dup').insertOne({ a: { b: 'y' } }));
  expect(error.message).toBe(
    'E11000 duplicate key error collection: errors.dup index: a.b_1 dup key: { a.b: "y" }',
  );
  expect(error['keyPattern']).toEqual({ 'a.b': 1 });
  expect(error['keyValue']).toEqual({ 'a.b': 'y' });
});

test('the same name or the same key with other options is refused', async () => {
  const collection = db.collection('conflict');
  await collection.createIndex({ a: 1 });
  expect((await failure(collection.createIndex({ b: 1 }, { name: 'a_1' }))).code).toBe(86);
  expect((await failure(collection.createIndex({ a: 1 }, { name: 'other' }))).code).toBe(85);
  expect((await failure(collection.createIndex({ a: 1 }, { unique: true }))).code).toBe(86);
  expect((await failure(collection.createIndex({ a: 1 }, { expireAfterSeconds: 9 }))).code).toBe(85);
  expect(await collection.createIndex({ a: 1 })).toBe('a_1');
});

test('a unique index over duplicates is not built', async () => {
  await db.collection('twice').insertMany([{ x: 1 }, { x: 1 }]);
  expect((await failure(db.collection('twice').createIndex({ x: 1 }, { unique: true }))).code).toBe(11000);
  expect(await db.collection('twice').indexes()).toHaveLength(1);
});

test('an update that makes a document larger than 16 MB is refused with 17419', async () => {
  const half = 'x'.repeat(9 * 1024 * 1024);
  await db.collection('big').insertOne({ _id: 1 as never, half });
  const error = await failure(db.collection('big').updateOne({ _id: 1 as never }, { $set: { other: half } }));
  expect(error.code).toBe(17419);
  expect(await db.collection('big').findOne({ _id: 1 as never }, { projection: { other: 1 } })).toEqual({
    _id: 1,
  });
});

test('write concerns that one member cannot meet come back as write concern errors, the write is done', async () => {
  const error = await failure(db.collection('wc').insertOne({ _id: 1 as never }, { writeConcern: { w: 3 } }));
  expect(error.code).toBe(100);
  const unknown = await failure(
    db.collection('wc').insertOne({ _id: 2 as never }, { writeConcern: { w: 'nosuch' as never } }),
  );
  expect(unknown.code).toBe(79);
  expect(await db.collection('wc').countDocuments()).toBe(2);
});

test('transactions and snapshot reads are refused, never half done', async () => {
  const session = client.startSession();
  try {
    session.startTransaction();
    expect((await failure(db.collection('c').insertOne({ n: 2 }, { session }))).code).toBe(115);
    await session.abortTransaction();
  } finally {
    await session.endSession();
  }
  expect((await failure(db.command({ find: 'c', readConcern: { level: 'snapshot' } }))).code).toBe(115);
  expect(await db.collection('c').countDocuments()).toBe(1);
});

test('fail points exist only with --test-commands', async () => {
  await db.admin().command({
    configureFailPoint: 'failCommand',
    mode: { times: 1 },
    data: { failCommands: ['ping'], errorCode: 11601 },
  });
  expect((await failure(db.command({ ping: 1 }))).code).toBe(11601);
  const plain = await EmbeddedProcess.start();
  try {
    const admin = (await plain.connect()).db('admin');
    expect((await failure(admin.command({ configureFailPoint: 'failCommand', mode: 'off' }))).code).toBe(59);
  } finally {
    await plain.stop();
  }
});

test('the oplog is read as any collection, and nobody writes to it', async () => {
  const local = client.db('local');
  const oplog = local.collection('oplog.rs');
  expect(await oplog.estimatedDocumentCount()).toBe(await oplog.countDocuments());
  expect((await oplog.findOne({ ns: 'errors.c', op: 'i' }))?.['o']).toEqual({
    _id: 1,
    n: 1,
  });
  const [newest, oldest] = await Promise.all(
    [-1, 1].map((ts) =>
      oplog
        .find()
        .sort({ ts: ts as 1 })
        .next(),
    ),
  );
  expect(newest?.['ts'].greaterThan(oldest?.['ts'])).toBe(true);
  const later = await oplog.find({ ts: { $gt: oldest?.['ts'], $lte: newest?.['ts'] } }).toArray();
  expect(later).toHaveLength((await oplog.countDocuments()) - 1);
  const explained = await oplog.find({ ts: newest?.['ts'] }).explain('executionStats');
  expect(explained['executionStats']).toMatchObject({ totalDocsExamined: 1, nReturned: 1 });
  expect(await oplog.distinct('op', { ns: 'errors.c' })).toContain('i');
  for (const write of [
    () => oplog.deleteMany({}),
    () => oplog.updateOne({}, { $set: { op: 'n' } }),
    () => oplog.insertOne({}),
    () => oplog.createIndex({ ns: 1 }),
    () => oplog.drop(),
    () => local.command({ validate: 'oplog.rs' }),
  ])
    expect((await failure(write())).code).toBe(115);
  expect((await failure(local.command({ create: 'oplog.rs' }))).code).toBe(48);
  expect((await failure(local.command({ dropDatabase: 1 }))).code).toBe(20);
  expect(await oplog.countDocuments()).toBeGreaterThan(later.length);
});

test.each<[object, number]>([
  [{ $out: { coll: 'x' } }, 40414],
  [{ $out: 5 }, 16990],
  [{ $out: { db: 'local', coll: 'oplog.rs' } }, 31321],
  [{ $merge: { into: { db: 'config', coll: 'x' } } }, 31320],
  [{ $merge: { into: 5 } }, 51178],
  [{ $merge: 5 }, 14],
  [{ $merge: { into: 'x', whenMatched: 'fail', whenNotMatched: 'discard' } }, 51181],
])('an aggregation that ends in %j fails with code %i', async (stage, code) => {
  expect((await failure(db.collection('c').aggregate([stage]).toArray())).code).toBe(code);
});

test('maxTimeMS ends a long read and a long write', async () => {
  const many = db.collection('many');
  for (let from = 0; from < 100_000; from += 10_000) {
    await many.insertMany(Array.from({ length: 10_000 }, (_, n) => ({ n: from + n })));
  }
  expect((await failure(many.find({ n: -1 }, { maxTimeMS: 1 }).toArray())).code).toBe(50);
  expect((await failure(many.updateMany({ n: { $gt: 0 } }, { $inc: { m: 1 } }, { maxTimeMS: 1 }))).code).toBe(
    50,
  );
}, 30_000);
