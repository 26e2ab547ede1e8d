import { once } from 'node:events';
import type { Socket } from 'node:net';
import mongoose from 'mongoose';
import { until } from '../../support/until.js';
import { EmbeddedProcess, failure } from './embedded-process.js';
import { HEADER, body, command, message, open, reply, sequence } from './raw-connection.js';

const { serialize, Binary } = mongoose.mongo.BSON;

/** `maxMessageSizeBytes` and `maxBsonObjectSize` of MongoDB. */
const MAX_MESSAGE_BYTES = 48_000_000;
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
/** What may be alive with idle clients, and with replies of 16 MB that nobody has taken yet, in MiB. */
const IDLE_MIB = 60;
const LOADED_MIB = 150;

let server: EmbeddedProcess;

beforeEach(async () => {
  server = await EmbeddedProcess.start();
});

afterEach(() => server.stop());

const ping = message(body({ ping: 1, $db: 'admin' }));

async function expectAlive(): Promise<void> {
  expect(await command(server.port, { ping: 1, $db: 'admin' })).toMatchObject({ ok: 1 });
}

/** A document of exactly this many bytes. */
function documentOf(bytes: number, _id: number): { _id: number; pad: mongoose.mongo.Binary } {
  const empty = serialize({ _id, pad: new Binary(Buffer.alloc(0)) }).length;
  return { _id, pad: new Binary(Buffer.alloc(bytes - empty)) };
}

/** An insert of three documents in a message of exactly this many bytes. */
function insertOf(bytes: number): Buffer {
  const start = body({ insert: 'large', $db: 'resilience' });
  const around = HEADER + 4 + start.length + sequence('documents', []).length;
  const third = Math.floor((bytes - around) / 3);
  const documents = [documentOf(third, 1), documentOf(third, 2), documentOf(bytes - around - 2 * third, 3)];
  return message(Buffer.concat([start, sequence('documents', documents)]));
}

/** Reads so many replies and keeps nothing but their lengths. */
async function replyLengths(socket: Socket, count: number): Promise<number[]> {
  const lengths: number[] = [];
  let head = Buffer.alloc(0);
  let missing = 0;
  for await (const received of socket as AsyncIterable<Buffer>) {
    let chunk = received;
    while (chunk.length > 0) {
      if (missing === 0) {
        head = Buffer.concat([head, chunk.subarray(0, 4 - head.length)]);
        if (head.length < 4) break;
        missing = head.readInt32LE(0) - 4 + Math.min(4, chunk.length);
      }
      const taken = Math.min(missing, chunk.length);
      missing -= taken;
      chunk = chunk.subarray(taken);
      if (missing === 0) {
        lengths.push(head.readInt32LE(0));
        head = Buffer.alloc(0);
      }
    }
    if (lengths.length === count) return lengths;
  }
  throw new Error(`expected ${count} replies, got ${lengths.length}`);
}

async function isClosed(socket: Socket): Promise<boolean> {
  socket.on('error', () => undefined).resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return true;
}

test('a message of 48,000,000 bytes is accepted, one of a byte more closes the connection', async () => {
  const largest = insertOf(MAX_MESSAGE_BYTES);
  expect(largest).toHaveLength(MAX_MESSAGE_BYTES);
  const socket = await open(server.port);
  const answered = reply(socket);
  socket.write(largest);
  expect(await answered).toMatchObject({ ok: 1, n: 3 });
  socket.destroy();

  const other = await open(server.port);
  const closed = isClosed(other);
  other.write(insertOf(MAX_MESSAGE_BYTES + 1));
  expect(await closed).toBe(true);
  expect(await command(server.port, { count: 'large', $db: 'resilience' })).toMatchObject({ n: 3 });
}, 30_000);

test('a document of 16 MiB is stored, one of a byte more is refused with 10334', async () => {
  const insert = async (bytes: number, id: number): Promise<Record<string, unknown>> => {
    const socket = await open(server.port);
    const answered = reply(socket);
    const start = body({ insert: 'large', $db: 'resilience' });
    socket.write(message(Buffer.concat([start, sequence('documents', [documentOf(bytes, id)])])));
    const answer = await answered;
    socket.destroy();
    return answer;
  };
  expect(await insert(MAX_DOCUMENT_BYTES, 1)).toMatchObject({ ok: 1, n: 1 });
  const refused = await insert(MAX_DOCUMENT_BYTES + 1, 2);
  expect(JSON.stringify(refused)).toContain('10334');
  expect(await command(server.port, { count: 'large', $db: 'resilience' })).toMatchObject({ n: 1 });
}, 30_000);

test('headers that claim too much are refused before anything is kept, those that claim much cost nothing', async () => {
  const before = await server.liveMiB();
  const sockets: Socket[] = [];
  for (let n = 0; n < 200; n += 1) {
    const header = Buffer.from(ping.subarray(0, HEADER));
    header.writeInt32LE(n % 2 === 0 ? MAX_MESSAGE_BYTES + 1 : MAX_MESSAGE_BYTES, 0);
    const socket = await open(server.port);
    socket.on('error', () => undefined).resume();
    socket.write(header);
    sockets.push(socket);
  }
  await Promise.all(sockets.filter((_, n) => n % 2 === 0).map(isClosed));
  expect(sockets.filter((socket) => socket.closed)).toHaveLength(100);
  expect((await server.liveMiB()) - before).toBeLessThan(10);
  for (const socket of sockets) socket.destroy();
}, 30_000);

test('with 1,000 idle connections the server answers and stays small', async () => {
  const sockets: Socket[] = [];
  for (let n = 0; n < 1_000; n += 1) {
    const socket = await open(server.port);
    const answered = reply(socket);
    socket.write(ping);
    await answered;
    sockets.push(socket);
  }
  const status = await command(server.port, { serverStatus: 1, $db: 'admin' });
  expect((status['connections'] as { current: number }).current).toBeGreaterThanOrEqual(1_000);
  expect(await server.liveMiB()).toBeLessThan(IDLE_MIB);
  for (const socket of sockets) socket.destroy();
  await expectAlive();
}, 30_000);

describe('with 64 MB of documents', () => {
  beforeEach(async () => {
    const collection = (await server.connect()).db('resilience').collection('c');
    for (let n = 0; n < 8; n += 1)
      await collection.insertMany(Array.from({ length: 8 }, () => ({ pad: 'x'.repeat(1_000_000) })));
  }, 30_000);

  /** Answered with nearly 16 MB. */
  const find = message(body({ find: 'c', batchSize: 15, $db: 'resilience' }));

  test('clients that leave in the middle of a reply do no harm', async () => {
    for (let n = 0; n < 40; n += 1) {
      const socket = await open(server.port);
      socket.on('error', () => undefined);
      socket.write(find);
      if (n % 2 === 0) await once(socket, 'data');
      socket.resetAndDestroy();
    }
    await expectAlive();
    const status = await command(server.port, { serverStatus: 1, $db: 'admin' });
    expect((status['connections'] as { current: number }).current).toBeLessThan(10);
    // A connection is gone as soon as its reset has been read.
    await until(
      () => server.liveMiB(),
      (held) => held < LOADED_MIB,
      20_000,
    );
  }, 30_000);

  test('a client that does not read its replies does not fill the memory', async () => {
    const slow = await open(server.port);
    slow.on('error', () => undefined).pause();
    slow.write(Buffer.concat(Array.from({ length: 100 }, () => find)));
    // Others are served meanwhile; without a limit the server would hold 1,500 MB by the time they are.
    for (let n = 0; n < 100; n += 1) await expectAlive();
    expect(await server.liveMiB()).toBeLessThan(LOADED_MIB);
    slow.destroy();
    // What it still had asked for is not read for nobody.
    for (let n = 0; n < 20; n += 1) await expectAlive();
    const status = await command(server.port, { serverStatus: 1, $db: 'admin' });
    expect(Number((status['opcounters'] as { query: unknown }).query)).toBeLessThan(20);
  }, 60_000);

  test('the replies that a slow client did not take are all there once it reads', async () => {
    const slow = await open(server.port);
    slow.pause();
    slow.write(Buffer.concat([...Array.from({ length: 10 }, () => find), ping]));
    for (let n = 0; n < 20; n += 1) await expectAlive();
    const lengths = await replyLengths(slow, 11);
    expect(Math.min(...lengths.slice(0, 10))).toBeGreaterThan(15_000_000);
    expect(lengths[10]).toBeLessThan(1_000);
    slow.destroy();
  }, 60_000);
});

test('a sort of more than 100 MB is right and stays small, without allowDiskUse it is refused with 292', async () => {
  const collection = (await server.connect())
    .db('resilience')
    .collection<{ _id: number; key: number }>('large');
  const COUNT = 130;
  // Factors without a common divisor: each key once, in no order.
  const key = (_id: number): number => (_id * 37) % COUNT;
  for (let from = 0; from < COUNT; from += 10) {
    const ids = Array.from({ length: 10 }, (_, at) => from + at);
    await collection.insertMany(ids.map((_id) => ({ _id, key: key(_id), pad: 'x'.repeat(1_000_000) })));
  }
  const sorted = collection.find({}, { sort: { key: -1 }, batchSize: 5, allowDiskUse: true });
  const keys: number[] = [];
  let heldMiB = 0;
  for await (const one of sorted) {
    keys.push(one.key);
    if (keys.length % 40 === 1) heldMiB = Math.max(heldMiB, await server.liveMiB());
  }
  expect(keys).toEqual(Array.from({ length: COUNT }, (_, at) => COUNT - 1 - at));
  expect(heldMiB).toBeLessThan(LOADED_MIB);
  const refused = collection.find({}, { sort: { key: -1 }, allowDiskUse: false }).toArray();
  expect((await failure(refused)).code).toBe(292);
}, 120_000);

test.each([
  ['a document nested 201 deep', 15, nested(201)],
  ['a string without end', 22, spoiled({ ping: 'abc' }, (bytes) => (bytes[bytes.indexOf('abc') + 3] = 0x61))],
  ['text that is not UTF-8', 22, spoiled({ ping: 'abc' }, (bytes) => (bytes[bytes.indexOf('abc')] = 0xff))],
  [
    'a boolean that is neither',
    22,
    spoiled({ b: true }, (bytes) => (bytes[bytes.indexOf('\x08b\0') + 3] = 2)),
  ],
  ['an unknown type', 22, spoiled({ b: true }, (bytes) => (bytes[bytes.indexOf('\x08b\0')] = 0x42))],
])('%s is refused with %i', async (_what, code, sections) => {
  const socket = await open(server.port);
  const answered = reply(socket);
  socket.write(message(sections));
  expect(await answered).toMatchObject({ ok: 0, code });
  // It was an answer, not the end: the connection goes on.
  const next = reply(socket);
  socket.write(ping);
  expect(await next).toMatchObject({ ok: 1 });
  socket.destroy();
});

function spoiled(document: object, spoil: (bytes: Buffer) => unknown): Buffer {
  const bytes = body({ ...document, $db: 'admin' });
  spoil(bytes);
  return bytes;
}

function nested(depth: number): Buffer {
  let inner: object = {};
  for (let level = 1; level < depth; level += 1) inner = { a: inner };
  return body(inner);
}

test('what is dropped under a running command ends it with an error of MongoDB, never with one of ours', async () => {
  const db = (await server.connect({ maxPoolSize: 16 })).db('dropped');
  const NAMESPACE_NOT_FOUND = 26;
  const codes = new Set<unknown>();
  const noted = async (operation: Promise<unknown>): Promise<void> => {
    await operation.catch((error: mongoose.mongo.MongoServerError) => codes.add(error.code));
  };
  for (let round = 0; round < 6; round += 1) {
    const c = db.collection<{ n: number }>('c');
    await c.insertMany(Array.from({ length: 4_000 }, (_, n) => ({ n })));
    await Promise.all([
      noted(c.updateMany({ n: { $gte: 0 } }, { $inc: { n: 1 } })),
      noted(c.find({ n: { $gte: 0 } }, { batchSize: 500 }).toArray()),
      noted(c.find({ n: { $gte: 0 } }, { sort: { n: -1 }, batchSize: 500 }).toArray()),
      noted(c.aggregate([{ $group: { _id: '$n' } }]).toArray()),
      noted(c.createIndex({ n: 1 })),
      noted(c.deleteMany({ n: { $gt: 2_000 } })),
      noted(c.countDocuments({ n: 1 })),
      noted(c.drop()),
      noted(db.command({ validate: 'c' })),
      noted(db.command({ collStats: 'c' })),
      noted(db.command({ listIndexes: 'c' })),
    ]);
  }
  const QUERY_PLAN_KILLED = 175;
  const expected = new Set<unknown>([NAMESPACE_NOT_FOUND, QUERY_PLAN_KILLED, 276, 43]);
  expect([...codes].filter((code) => !expected.has(code))).toEqual([]);
}, 60_000);
