import mongoose from 'mongoose';
import { until } from '../../support/until.js';
import { EmbeddedProcess, failure } from './embedded-process.js';
import { body, command, message, open } from './raw-connection.js';

const { Binary, Long } = mongoose.mongo.BSON;

let server: EmbeddedProcess;

beforeEach(async () => {
  server = await EmbeddedProcess.start();
});

afterEach(() => server.stop());

test('after kill -9 every acknowledged write is there, once, and the collection is sound', async () => {
  const client = await server.connect({ maxPoolSize: 16, retryWrites: false, serverSelectionTimeoutMS: 500 });
  const collection = client.db('crash').collection<{ _id: number; n: number }>('c');
  await collection.createIndex({ n: 1 });
  const acknowledged: number[] = [];
  let next = 0;
  const write = async (): Promise<void> => {
    for (;;) {
      const id = next++;
      try {
        await collection.insertOne({ _id: id, n: id % 10 });
        await collection.updateOne({ _id: id }, { $inc: { n: 100 } });
      } catch {
        return;
      }
      acknowledged.push(id);
      if (acknowledged.length === 500) void server.kill();
    }
  };
  await Promise.all(Array.from({ length: 16 }, write));
  await server.restart();

  const db = (await server.connect()).db('crash');
  const stored = await db.collection<{ _id: number; n: number }>('c').find().toArray();
  const byId = new Map(stored.map((one) => [one._id, one.n]));
  expect(acknowledged.length).toBeGreaterThanOrEqual(500);
  expect(acknowledged.filter((id) => byId.get(id) !== (id % 10) + 100)).toEqual([]);
  expect(await db.command({ validate: 'c' })).toMatchObject({ valid: true, errors: [] });
}, 60_000);

test('of an $out that a kill cut short nothing is left, and what stood there before stays', async () => {
  const db = (await server.connect({ retryReads: false })).db('out');
  const rows = Array.from({ length: 100_000 }, (_, _id) => ({ _id, n: _id }));
  await db.collection<{ _id: number; n: number }>('from').insertMany(rows);
  await db.collection<{ _id: number }>('to').insertOne({ _id: -1 });
  const names = async () =>
    (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
  const out = failure(
    db
      .collection('from')
      .aggregate([{ $out: 'to' }])
      .toArray(),
  );
  await until(names, (all) => all.some((name) => name.startsWith('tmp.')), 20_000, 1);
  await server.kill();
  expect((await out).name).toMatch(/^MongoNetwork/);
  await server.restart();

  const again = (await server.connect()).db('out');
  expect((await again.listCollections().toArray()).map(({ name }) => name).toSorted()).toEqual([
    'from',
    'to',
  ]);
  expect(await again.collection('to').find().toArray()).toEqual([{ _id: -1 }]);
  expect(await again.collection('from').countDocuments()).toBe(100_000);
  await again.collection<{ _id: number }>('tmp.agg_out.mine').insertOne({ _id: 1 });
  await server.terminate();
  await server.restart();
  const later = (await server.connect()).db('out');
  expect(await later.collection('tmp.agg_out.mine').find().toArray()).toEqual([{ _id: 1 }]);
}, 60_000);

test('a retryable write repeated after a restart is applied once', async () => {
  const session = { lsid: { id: new Binary(Buffer.alloc(16, 7), 4) }, $db: 'retry' };
  const insert = { insert: 'c', documents: [{ _id: 1, n: 0 }], ...session, txnNumber: Long.fromNumber(1) };
  const updates = [{ q: { _id: 1 }, u: { $inc: { n: 1 } } }];
  const increment = { update: 'c', updates, ...session, txnNumber: Long.fromNumber(2) };
  const change = { query: { _id: 1 }, update: { $inc: { n: 1 } }, new: true };
  const claim = { findAndModify: 'c', ...change, ...session, txnNumber: Long.fromNumber(3) };

  expect(await command(server.port, insert)).toMatchObject({ ok: 1, n: 1 });
  expect(await command(server.port, insert)).toMatchObject({ ok: 1, n: 1 });
  expect(await command(server.port, increment)).toMatchObject({ n: 1, nModified: 1 });
  await server.kill();
  await server.restart();

  expect(await command(server.port, increment)).toMatchObject({ n: 1, nModified: 1 });
  const collection = (await server.connect()).db('retry').collection('c');
  expect(await collection.findOne()).toEqual({ _id: 1, n: 1 });
  expect(await command(server.port, claim)).toMatchObject({ value: { _id: 1, n: 2 } });
  expect(await command(server.port, claim)).toMatchObject({ value: { _id: 1, n: 2 } });
  expect(await command(server.port, insert)).toMatchObject({ ok: 0, code: 225 });
  expect(await collection.findOne()).toEqual({ _id: 1, n: 2 });
}, 30_000);

test('a retryable write repeated because its connection broke is applied once, whatever had become of it', async () => {
  const collection = (await server.connect()).db('retry').collection<{ _id: number; n: number }>('broken');
  await collection.insertOne({ _id: 1, n: 0 });
  const increment = (txnNumber: number): object => ({
    update: 'broken',
    updates: [{ q: { _id: 1 }, u: { $inc: { n: 1 } } }],
    lsid: { id: new Binary(Buffer.alloc(16, 9), 4) },
    txnNumber: Long.fromNumber(txnNumber),
    $db: 'retry',
  });
  let doneBefore = 0;
  const ROUNDS = 200;
  for (let n = 1; n <= ROUNDS; n += 1) {
    const socket = await open(server.port);
    const bytes = message(body(increment(n)));
    // Some leave before all of it is sent, some before, some after it is done.
    const sent = n % 4 === 0 ? bytes.subarray(0, -1) : bytes;
    await new Promise((resolve) => socket.write(sent, resolve));
    for (let wait = 0; wait < n % 5; wait += 1) await command(server.port, { ping: 1, $db: 'admin' });
    socket.destroy();
    doneBefore += Number((await collection.findOne())?.n === n);
    expect(await command(server.port, increment(n))).toMatchObject({ ok: 1, n: 1, nModified: 1 });
    expect(await collection.findOne()).toEqual({ _id: 1, n });
  }
  // Both cases were met, or the test shows nothing.
  expect(doneBefore).toBeGreaterThan(ROUNDS / 10);
  expect(doneBefore).toBeLessThan(ROUNDS);
  // Without a number each one counts.
  const { txnNumber: _, ...plain } = increment(0) as { txnNumber: unknown };
  await command(server.port, plain);
  await command(server.port, plain);
  expect(await collection.findOne()).toEqual({ _id: 1, n: ROUNDS + 2 });
}, 60_000);

test('of many statements repeated under one number only those that were not done are done', async () => {
  const session = { lsid: { id: new Binary(Buffer.alloc(16, 8), 4) }, $db: 'retry' };
  const ids = Array.from({ length: 2_000 }, (_, _id) => ({ _id }));
  const first = { insert: 'many', documents: ids.slice(0, 1_500), ...session, txnNumber: Long.fromNumber(1) };
  const again = { insert: 'many', documents: ids, ...session, txnNumber: Long.fromNumber(1) };
  expect(await command(server.port, first)).toMatchObject({ n: 1_500 });
  await server.kill();
  await server.restart();
  const answer = await command(server.port, again);
  expect(answer).toMatchObject({ n: 2_000 });
  expect(answer).not.toHaveProperty('writeErrors');
}, 30_000);

test('data, indexes and the oplog survive a proper stop; commit times go on ascending', async () => {
  let client = await server.connect();
  await client.db('stop').collection('c').createIndex({ a: 1 }, { unique: true });
  await client.db('stop').collection('c').insertOne({ a: 1 });
  expect(await server.terminate()).toBe(0);
  await server.restart();

  client = await server.connect();
  const error = await failure(client.db('stop').collection('c').insertOne({ a: 1 }));
  expect(error.code).toBe(11000);
  await client.db('stop').collection('c').insertOne({ a: 2 });
  const log = await client.db('local').collection('oplog.rs').find({ ns: 'stop.c' }).toArray();
  expect(log.map(({ op, o }) => [op, o.a])).toEqual([
    ['i', 1],
    ['i', 2],
  ]);
  expect(log[0]?.['ts'].compare(log[1]?.['ts'])).toBe(-1);
}, 30_000);

test('a second server on the same directory is refused', async () => {
  const { spawn } = await import('node:child_process');
  const args = ['embedded/mongodb/dist/cli.js', '--dir', server.directory];
  const second = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  second.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const code = await new Promise((resolve) => second.once('exit', resolve));
  expect(code).toBe(1);
  expect(text).toContain('is in use by another server');
});

test('a server without users refuses to listen outside loopback', async () => {
  const { spawn } = await import('node:child_process');
  const args = ['embedded/mongodb/dist/cli.js', '--dir', `${server.directory}-open`, '--bind', '0.0.0.0'];
  const open = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  open.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  expect(await new Promise((resolve) => open.once('exit', resolve))).toBe(1);
  expect(text).toContain('loopback');
});
