import mongoose from 'mongoose';
import { EmbeddedProcess, failure } from './embedded-process.js';

const { Timestamp, Binary } = mongoose.mongo.BSON;

let server: EmbeddedProcess;
let client: mongoose.mongo.MongoClient;
let db: mongoose.mongo.Db;

beforeAll(async () => {
  server = await EmbeddedProcess.start();
  client = await server.connect();
  db = client.db('replayed');
});

afterAll(() => server.stop());

const apply = (...entries: object[]) => db.admin().command({ applyOps: entries });
const contents = (name: string) => db.collection(name).find().sort({ _id: 1 }).toArray();

test('entries of an oplog have the same effect when they are replayed twice', async () => {
  const entries = [
    { op: 'c', ns: 'replayed.$cmd', o: { create: 'c' } },
    { op: 'i', ns: 'replayed.c', o: { _id: 1, n: 1 } },
    { op: 'i', ns: 'replayed.c', o: { _id: 2, at: new Timestamp({ t: 0, i: 0 }) } },
    { op: 'u', ns: 'replayed.c', o: { _id: 1, n: 2 }, o2: { _id: 1 }, ts: new Timestamp({ t: 1, i: 1 }) },
    { op: 'i', ns: 'replayed.c', o: { _id: 3 } },
    { op: 'd', ns: 'replayed.c', o: { _id: 3 } },
    { op: 'n', ns: '', o: { msg: 'nothing' } },
  ];
  const expected = [
    { _id: 1, n: 2 },
    { _id: 2, at: new Timestamp({ t: 0, i: 0 }) },
  ];
  expect(await apply(...entries)).toMatchObject({ applied: 7, results: Array(7).fill(true) });
  expect(await contents('c')).toEqual(expected);
  await apply(...entries);
  expect(await contents('c')).toEqual(expected);
});

test('an empty timestamp of an insert or a replacement is set to the time, unless the client wants it stored', async () => {
  const empty = new Timestamp({ t: 0, i: 0 });
  await db.command({ insert: 'stamped', documents: [{ _id: 1, at: empty }] });
  await db.command({ insert: 'stamped', documents: [{ _id: 2, at: empty }], bypassEmptyTsReplacement: true });
  const replace = (_id: number): object => ({ q: { _id }, u: { at: empty }, upsert: true });
  const updates = [{ q: { _id: 3 }, u: { $set: { at: empty } }, upsert: true }, replace(4), replace(4)];
  await db.command({ update: 'stamped', updates });
  await db.command({ update: 'stamped', updates: [replace(5)], bypassEmptyTsReplacement: true });
  const stored = (await contents('stamped')).map(({ at }) => (at as mongoose.mongo.BSON.Timestamp).isZero());
  expect(stored).toEqual([false, true, true, false, true]);
});

test.each([
  [115, { op: 'u', ns: 'replayed.c', o: { $v: 2, diff: { u: { n: 3 } } }, o2: { _id: 1 } }],
  [115, { op: 'c', ns: 'replayed.$cmd', o: { convertToCapped: 'c', size: 1 } }],
  [26, { op: 'i', ns: 'replayed.c', o: { _id: 9 }, ui: new Binary(Buffer.alloc(16), 4) }],
  [73, { op: 'i', ns: 'replayed.a$b', o: { _id: 9 } }],
  [115, { op: 'i', ns: 'local.oplog.rs', o: { _id: 9 } }],
  [40415, { op: 'i', ns: 'replayed.c', o: { _id: 9 }, nosuch: 1 }],
  [9, { op: 'i', ns: 'replayed.c', o: {} }],
  [9, { op: 'x', ns: 'replayed.c', o: { _id: 9 } }],
])('error %i refuses the entry %j and changes nothing', async (code, entry) => {
  const before = await contents('c');
  expect((await failure(apply(entry))).code).toBe(code);
  expect(await contents('c')).toEqual(before);
});

test('the oplog has no indexes', async () => {
  expect(await client.db('local').collection('oplog.rs').indexes()).toEqual([]);
});

test('an entry that would exchange the _id of a document in place is refused', async () => {
  await db.collection('kept').insertOne({ _id: 1 as never, n: 1 });
  for (const o of [{ _id: 2, n: 2 }, { n: 2 }])
    await expect(apply({ op: 'u', ns: 'replayed.kept', o2: { _id: 1 }, o })).rejects.toMatchObject({
      code: 66,
    });
  expect(await contents('kept')).toEqual([{ _id: 1, n: 1 }]);
  expect(await db.command({ validate: 'kept' })).toMatchObject({ valid: true });
});
