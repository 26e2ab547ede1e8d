import mongoose from 'mongoose';
import { EmbeddedProcess, failure } from './embedded-process.js';

const { Decimal128, Double, Long, Timestamp, Binary, ObjectId } = mongoose.mongo.BSON;

let server: EmbeddedProcess;
let db: mongoose.mongo.Db;

beforeAll(async () => {
  server = await EmbeddedProcess.start('--test-commands');
  db = (await server.connect()).db('crud');
});

afterAll(() => server.stop());

interface Doc extends mongoose.mongo.Document {
  _id: number;
}

async function filled(name: string, documents: Doc[]): Promise<mongoose.mongo.Collection<Doc>> {
  const collection = db.collection<Doc>(name);
  await collection.deleteMany({});
  if (documents.length > 0) await collection.insertMany(documents);
  return collection;
}

test('a document comes back as it was stored, every type included', async () => {
  const collection = db.collection('types');
  const document = {
    _id: new ObjectId(),
    int: 1,
    double: new Double(5),
    long: Long.fromString('9007199254740993'),
    decimal: Decimal128.fromString('1.50'),
    date: new Date(0),
    timestamp: new Timestamp({ t: 7, i: 9 }),
    binary: new Binary(Buffer.from([1, 2, 3]), 5),
    nested: { b: 1, a: [null, true, 'x'] },
    regex: /^a/i,
  };
  await collection.insertOne(document);

  const raw = await collection.findOne({ _id: document._id }, { raw: true });
  expect(Buffer.from(raw as unknown as Uint8Array)).toEqual(
    Buffer.from(mongoose.mongo.BSON.serialize(document)),
  );
});

test('find filters, sorts, skips, limits and projects', async () => {
  const collection = await filled(
    'find',
    [1, 2, 3, 4, 5].map((n) => ({ _id: n, n, parity: n % 2 })),
  );
  const found = await collection
    .find({ parity: 1 }, { sort: { n: -1 }, skip: 1, limit: 2, projection: { n: 1 } })
    .toArray();
  expect(found).toEqual([
    { _id: 3, n: 3 },
    { _id: 1, n: 1 },
  ]);
});

test('a cursor returns every document once over many batches', async () => {
  const collection = await filled(
    'batches',
    Array.from({ length: 1000 }, (_, _id) => ({ _id })),
  );
  const ids: number[] = [];
  for await (const { _id } of collection.find({}, { batchSize: 7 })) ids.push(_id);
  expect(ids).toEqual(Array.from({ length: 1000 }, (_, n) => n));
});

test('a cursor sees what was written after its first batch', async () => {
  const collection = await filled(
    'fresh',
    Array.from({ length: 20 }, (_, _id) => ({ _id, v: 'old' })),
  );
  const cursor = collection.find({}, { batchSize: 2 });
  await cursor.next();
  await collection.updateMany({}, { $set: { v: 'new' } });
  const rest = await cursor.toArray();
  expect(rest.at(-1)).toEqual({ _id: 19, v: 'new' });
});

test('a killed cursor answers CursorNotFound', async () => {
  const collection = await filled(
    'killed',
    Array.from({ length: 10 }, (_, _id) => ({ _id })),
  );
  const reply = await db.command({ find: collection.collectionName, batchSize: 2 });
  await db.command({ killCursors: collection.collectionName, cursors: [reply['cursor'].id] });
  const error = await failure(
    db.command({ getMore: Long.fromBigInt(BigInt(reply['cursor'].id)), collection: 'killed' }),
  );
  expect([error.code, error.codeName]).toEqual([43, 'CursorNotFound']);
});

test('update reports matched, modified and upserted documents', async () => {
  const collection = await filled('update', [
    { _id: 1, n: 1 },
    { _id: 2, n: 5 },
  ]);
  expect(await collection.updateMany({}, { $max: { n: 3 } })).toMatchObject({
    matchedCount: 2,
    modifiedCount: 1,
  });
  expect(
    await collection.updateOne({ _id: 9, kind: 'new' }, { $inc: { n: 1 } }, { upsert: true }),
  ).toMatchObject({
    matchedCount: 0,
    upsertedId: 9,
  });
  expect(await collection.find().toArray()).toEqual([
    { _id: 1, n: 3 },
    { _id: 2, n: 5 },
    { _id: 9, kind: 'new', n: 1 },
  ]);
});

test('findOneAndUpdate takes the first document of the sort and returns it as asked', async () => {
  const collection = await filled('fam', [
    { _id: 1, at: 5, state: 'waiting' },
    { _id: 2, at: 3, state: 'waiting' },
  ]);
  const claim = { $set: { state: 'taken' } };
  const options = { sort: { at: 1 as const }, returnDocument: 'after' as const };
  expect(await collection.findOneAndUpdate({ state: 'waiting' }, claim, options)).toEqual({
    _id: 2,
    at: 3,
    state: 'taken',
  });
  expect(await collection.findOneAndDelete({ state: 'waiting' })).toEqual({
    _id: 1,
    at: 5,
    state: 'waiting',
  });
  expect(await collection.findOneAndUpdate({ state: 'waiting' }, claim)).toBeNull();
});

test('an ordered insert stops at the first duplicate, an unordered one goes on', async () => {
  const collection = await filled('bulk', [{ _id: 2 }]);
  const documents = (): Doc[] => [{ _id: 1 }, { _id: 2 }, { _id: 3 }];
  const ordered = await failure(collection.insertMany(documents()));
  expect(ordered.code).toBe(11000);
  expect(await collection.countDocuments()).toBe(2);
  await failure(collection.insertMany([{ _id: 1 }, { _id: 3 }], { ordered: false }));
  expect(await collection.countDocuments()).toBe(3);
});

test('the bulkWrite command writes to several collections', async () => {
  const client = await server.connect();
  const result = await client.bulkWrite([
    { name: 'insertOne', namespace: 'crud.one', document: { _id: 1 as never, n: 1 } },
    { name: 'updateOne', namespace: 'crud.one', filter: { _id: 1 as never }, update: { $inc: { n: 1 } } },
    { name: 'insertOne', namespace: 'crud.two', document: { _id: 1 as never } },
    { name: 'deleteOne', namespace: 'crud.two', filter: { _id: 1 as never } },
  ]);
  expect(result).toMatchObject({ insertedCount: 2, matchedCount: 1, modifiedCount: 1, deletedCount: 1 });
  expect(await db.collection('one').findOne()).toEqual({ _id: 1, n: 2 });
});

test('aggregate groups, counts and writes with $out and $merge', async () => {
  const collection = await filled(
    'agg',
    [1, 2, 3, 4].map((n) => ({ _id: n, kind: n % 2 ? 'odd' : 'even', n })),
  );
  const sums = await collection
    .aggregate([
      { $match: { n: { $gt: 1 } } },
      { $group: { _id: '$kind', sum: { $sum: '$n' } } },
      { $sort: { _id: 1 } },
    ])
    .toArray();
  expect(sums).toEqual([
    { _id: 'even', sum: 6 },
    { _id: 'odd', sum: 3 },
  ]);
  await collection.aggregate([{ $match: { kind: 'odd' } }, { $out: 'agg_out' }]).toArray();
  await collection
    .aggregate([{ $set: { seen: true, at: 5 } }, { $merge: { into: 'agg_out', whenNotMatched: 'discard' } }])
    .toArray();
  const merged = await db.collection('agg_out').find().toArray();
  expect(merged).toEqual([
    { _id: 1, kind: 'odd', n: 1, seen: true, at: 5 },
    { _id: 3, kind: 'odd', n: 3, seen: true, at: 5 },
  ]);
  // New fields come as $set brings them, by name.
  expect(Object.keys(merged[0]!)).toEqual(['_id', 'kind', 'n', 'at', 'seen']);
});

test('an aggregation without a collection and a result above 16 MB are refused', async () => {
  await expect(db.aggregate([{ $match: {} }]).toArray()).rejects.toMatchObject({ code: 73 });
  const collection = await filled(
    'large',
    Array.from({ length: 17 }, (_, i) => ({ _id: i })),
  );
  const stages = [
    { $set: { text: 'x'.repeat(1_000_000) } },
    { $group: { _id: null, all: { $push: '$text' } } },
  ];
  await expect(collection.aggregate(stages).toArray()).rejects.toMatchObject({ code: 10334 });
});

test('the variables of let are computed once and seen by filters, stages and updates', async () => {
  const collection = await filled('variables', [{ _id: 1 }, { _id: 2 }]);
  const byId = { $expr: { $eq: ['$_id', '$$id'] } };
  const options = { let: { id: { $add: [1, 1] }, text: { $literal: '$x' } } };
  const stages = [{ $match: byId }, { $set: { text: '$$text' } }];
  expect(await collection.aggregate(stages, options).toArray()).toEqual([{ _id: 2, text: '$x' }]);
  expect(await collection.find(byId, options).toArray()).toEqual([{ _id: 2 }]);
  await collection.updateOne(byId, [{ $set: { text: '$$text' } }], options);
  const after = { ...options, returnDocument: 'after' as const };
  expect(await collection.findOneAndUpdate(byId, { $set: { seen: true } }, after)).toEqual({
    _id: 2,
    text: '$x',
    seen: true,
  });
  await collection.deleteMany(byId, options);
  expect(await collection.distinct('_id')).toEqual([1]);
  const reading = collection.find(byId, { let: { id: '$other' } }).toArray();
  expect((await failure(reading)).code).toBe(4890500);
});

test('count, distinct and estimatedDocumentCount agree with what is stored', async () => {
  const collection = await filled(
    'counts',
    [1, 2, 2, 3].map((n, _id) => ({ _id, n, tags: [n, 'all', { 0: 9 }] })),
  );
  expect(await collection.countDocuments({ n: 2 })).toBe(2);
  expect(await collection.estimatedDocumentCount()).toBe(4);
  expect(await collection.distinct('tags')).toEqual([1, 2, 3, 'all', { 0: 9 }]);
  expect(await collection.distinct('tags.0')).toEqual([1, 2, 3]);
});

test('collections and databases are created, listed, renamed and dropped', async () => {
  const other = (await server.connect()).db('ddl');
  await other.createCollection('a');
  await other.collection('a').insertOne({ x: 1 });
  await other.renameCollection('a', 'b');
  expect((await other.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name)).toEqual([
    'b',
  ]);
  await other.createCollection('b');
  await other.dropDatabase();
  const { databases } = await other.admin().listDatabases({ nameOnly: true });
  expect(databases.map(({ name }) => name)).not.toContain('ddl');
});

test('documents past their TTL are deleted, and the oplog says so', async () => {
  const collection = db.collection('ttl');
  await collection.createIndex({ at: 1 }, { expireAfterSeconds: 60 });
  await collection.insertMany([
    { at: new Date(0) },
    { at: [new Date(), new Date(0)] },
    { at: new Date() },
    { other: 1 },
  ]);
  const end = Date.now() + 10_000;
  while ((await collection.estimatedDocumentCount()) > 2 && Date.now() < end) await db.command({ ping: 1 });
  expect(await collection.countDocuments({ at: { $lt: new Date(1) } })).toBe(0);
  expect(await collection.estimatedDocumentCount()).toBe(2);
  const log = db.client.db('local').collection('oplog.rs').find({ ns: collection.namespace });
  expect((await log.toArray()).map(({ op }) => op)).toEqual(['i', 'i', 'i', 'i', 'd', 'd']);
});

test('mongoose works: schema, unique index, timestamps', async () => {
  const connection = await mongoose.createConnection(server.uri, { dbName: 'mongoose' }).asPromise();
  try {
    const schema = new mongoose.Schema({ name: { type: String, unique: true } }, { timestamps: true });
    const Account = connection.model('Account', schema);
    await Account.init();
    await Account.create({ name: 'a' });
    expect((await failure(Account.create({ name: 'a' }))).code).toBe(11000);
    expect(await Account.countDocuments({ createdAt: { $lte: new Date() } })).toBe(1);
  } finally {
    await connection.close();
  }
});

test('a cursor over a dropped collection ends with QueryPlanKilled, not with a shorter answer', async () => {
  const collection = await filled(
    'dropped',
    Array.from({ length: 5000 }, (_, _id) => ({ _id })),
  );
  const cursor = collection.find({}, { batchSize: 10 });
  await cursor.next();
  await collection.drop();
  expect((await failure(cursor.toArray())).code).toBe(175);
});

test('a sort of more than 100 MB is served from disk, or refused without allowDiskUse', async () => {
  const collection = db.collection<Doc>('heavy');
  const pad = 'x'.repeat(100_000);
  for (let from = 0; from < 1100; from += 100) {
    await collection.insertMany(
      Array.from({ length: 100 }, (_, n) => ({ _id: from + n, k: ((from + n) * 7919) % 1100, pad })),
    );
  }
  let last = -1;
  let seen = 0;
  for await (const { k } of collection.find({}, { sort: { k: 1 }, batchSize: 100 })) {
    expect(k).toBeGreaterThan(last);
    last = k as number;
    seen += 1;
  }
  expect(seen).toBe(1100);
  expect((await failure(collection.find({}, { sort: { k: 1 }, allowDiskUse: false }).toArray())).code).toBe(
    292,
  );
}, 60_000);
