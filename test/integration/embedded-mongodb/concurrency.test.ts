import { EmbeddedProcess } from './embedded-process.js';

let server: EmbeddedProcess;

beforeAll(async () => {
  server = await EmbeddedProcess.start();
});

afterAll(() => server.stop());

const CLIENTS = 64;

test('64 concurrent $inc add 64', async () => {
  const client = await server.connect({ maxPoolSize: CLIENTS });
  const counters = client.db('race').collection<{ _id: string; n: number }>('counters');
  await counters.insertOne({ _id: 'a', n: 0 });
  await Promise.all(
    Array.from({ length: CLIENTS }, () => counters.updateOne({ _id: 'a' }, { $inc: { n: 1 } })),
  );
  expect(await counters.findOne({ _id: 'a' })).toEqual({ _id: 'a', n: CLIENTS });
});

test('of 50 concurrent inserts of one unique key exactly one wins', async () => {
  const client = await server.connect({ maxPoolSize: 50 });
  const users = client.db('race').collection('users');
  await users.createIndex({ email: 1 }, { unique: true });
  const inserts = Array.from({ length: 50 }, (_, n) => users.insertOne({ email: 'a@example.org', n }));
  const outcomes = await Promise.allSettled(inserts);
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(failures.map(({ reason }) => (reason as { code: number }).code)).toEqual(Array(49).fill(11000));
  expect(await users.countDocuments()).toBe(1);
});

test('50 concurrent upserts of one key make one document', async () => {
  const client = await server.connect({ maxPoolSize: 50 });
  const days = client.db('race').collection('days');
  await Promise.all(
    Array.from({ length: 50 }, () => days.updateOne({ day: 'monday' }, { $inc: { n: 1 } }, { upsert: true })),
  );
  expect(await days.find({}, { projection: { _id: 0 } }).toArray()).toEqual([{ day: 'monday', n: 50 }]);
});

test('32 claimers take 500 jobs, none twice', async () => {
  const client = await server.connect({ maxPoolSize: 32 });
  const jobs = client.db('race').collection<{ _id: number; state: string; at: number }>('jobs');
  await jobs.insertMany(Array.from({ length: 500 }, (_, n) => ({ _id: n, state: 'waiting', at: 500 - n })));
  await jobs.createIndex({ state: 1, at: 1 });
  const taken: number[] = [];
  const claim = async (): Promise<void> => {
    const query = { state: 'waiting' };
    const update = { $set: { state: 'taken' } };
    for (;;) {
      const job = await jobs.findOneAndUpdate(query, update, { sort: { at: 1 } });
      if (!job) return;
      taken.push(job._id);
    }
  };
  await Promise.all(Array.from({ length: 32 }, claim));
  expect(taken).toHaveLength(500);
  expect(new Set(taken).size).toBe(500);
});

test('a lookup by an indexed field in 100,000 documents takes under 5 ms', async () => {
  const client = await server.connect();
  const events = client.db('race').collection('events');
  for (let from = 0; from < 100_000; from += 5_000) {
    await events.insertMany(
      Array.from({ length: 5_000 }, (_, n) => ({ key: from + n, pad: 'x'.repeat(200) })),
    );
  }
  await events.createIndex({ key: 1 });
  const times: number[] = [];
  for (let n = 0; n < 50; n += 1) {
    const started = performance.now();
    const found = await events.find({ key: (n * 7_919) % 100_000 }).toArray();
    times.push(performance.now() - started);
    expect(found).toHaveLength(1);
  }
  const median = times.sort((a, b) => a - b)[25];
  expect(median).toBeLessThan(5);
}, 60_000);

test('a large insert does not keep other clients waiting', async () => {
  const client = await server.connect();
  const db = client.db('race');
  const documents = Array.from({ length: 100_000 }, (_, n) => ({ _id: n as never, pad: 'x'.repeat(100) }));
  const inserting = db.collection('large').insertMany(documents);
  let between = 0;
  let slowest = 0;
  let running = true;
  void inserting.finally(() => {
    running = false;
  });
  while (running) {
    const started = performance.now();
    await db.command({ ping: 1 });
    slowest = Math.max(slowest, performance.now() - started);
    between += 1;
  }
  await inserting;
  expect(between).toBeGreaterThan(10);
  expect(await db.collection('large').estimatedDocumentCount()).toBe(100_000);
}, 60_000);
