import { readFileSync } from 'node:fs';
import mongoose from 'mongoose';
import { EmbeddedProcess, failure } from './embedded-process.js';
import { REFUSALS } from './refusals.js';

const { Long, Binary } = mongoose.mongo.BSON;

const COMMAND_NOT_SUPPORTED = 115;
const UNKNOWN_FIELD = 40415;
const INVALID_OPTIONS = 72;

let server: EmbeddedProcess;
let db: mongoose.mongo.Db;

beforeAll(async () => {
  server = await EmbeddedProcess.start('--test-commands');
  const client = await server.connect({ retryWrites: false });
  db = client.db('refusals');
  await db.collection('c').insertOne({ _id: 1 as never, a: [1, 2] });
});

afterAll(() => server.stop());

/** Past the driver's helpers, on the database on which the command may run. */
const send = (command: object, target = db): Promise<mongoose.mongo.Document> => target.command(command);

const cases = Object.entries(REFUSALS).flatMap(([area, features]) =>
  Object.entries(features).map(([feature, [command, named]]) => ({ area, feature, command, named })),
);

test.each(cases)('$area: $feature is refused with 115, by name', async ({ command, named }) => {
  const sent = 'startTransaction' in command ? { ...command, ...transaction() } : command;
  const error = await failure(send(sent));
  expect([error.code, error.codeName]).toEqual([COMMAND_NOT_SUPPORTED, 'CommandNotSupported']);
  expect(error.message).toBe(`${named} is not supported by the embedded server`);
});

function transaction(): object {
  return {
    lsid: { id: new Binary(Buffer.alloc(16, 1), Binary.SUBTYPE_UUID) },
    txnNumber: Long.fromNumber(1),
  };
}

test('the README lists what is refused, and each entry of its list is tested', () => {
  const readme = readFileSync('embedded/mongodb/README.md', 'utf8');
  const section = /## What it refuses\n([^]*?)\n## /.exec(readme)?.[1] ?? '';
  const listed = section
    .split('\n- **')
    .slice(1)
    .map((item) => item.split('\n\n')[0]?.replace(/\s+/g, ' ') ?? '');
  const read = Object.fromEntries(
    listed.map((item) => item.split('**: ')).map(([area, all]) => [area, all?.split(', ')]),
  );
  const quoted = (name: string): string => (name.startsWith('$') ? `\`${name}\`` : name);
  const tested = Object.entries(REFUSALS).map(([area, features]) => [
    area,
    Object.keys(features).map(quoted),
  ]);
  expect(read).toEqual(Object.fromEntries(tested));
});

test('every command refuses an option that nobody knows', async () => {
  const { commands } = await send({ listCommands: 1 });
  const passed: string[] = [];
  for (const [name, { adminOnly }] of Object.entries(commands as Record<string, { adminOnly: boolean }>)) {
    const target = adminOnly ? server.connect().then((client) => client.db('admin')) : db;
    const error = await failure(send({ [name]: 'c', nosuchoption: 1 }, await target)).catch(() => null);
    const code = name === 'getParameter' ? INVALID_OPTIONS : UNKNOWN_FIELD;
    if (error?.code !== code || !error.message.includes('nosuchoption')) passed.push(name);
  }
  expect(passed).toEqual([]);
  expect(Object.keys(commands).length).toBeGreaterThan(40);
});

const strange = { nosuchoption: 1 };
const pipeline = (...stages: object[]): object => ({ aggregate: 'c', pipeline: stages, cursor: {} });

test.each<[string, object]>([
  ['a statement of update', { update: 'c', updates: [{ q: {}, u: { $set: { b: 1 } }, ...strange }] }],
  ['a statement of delete', { delete: 'c', deletes: [{ q: {}, limit: 1, ...strange }] }],
  ['an index', { createIndexes: 'c', indexes: [{ key: { z: 1 }, name: 'z', ...strange }] }],
  ['a change of an index', { collMod: 'c', index: { name: '_id_', ...strange } }],
  ['a read concern', { find: 'c', readConcern: strange }],
  ['a write concern', { insert: 'c', documents: [{}], writeConcern: strange }],
  ['the cursor of aggregate', { aggregate: 'c', pipeline: [], cursor: strange }],
  ['an update operator', { update: 'c', updates: [{ q: {}, u: { $nosuchoperator: { a: 1 } } }] }],
  ['a filter operator', { find: 'c', filter: { a: { $nosuchoperator: 1 } } }],
  ['a logical operator', { find: 'c', filter: { $nosuchoperator: [] } }],
  ['an operator of a projection', { find: 'c', projection: { a: { $nosuchoperator: 1 } } }],
  ['a stage', pipeline({ $nosuchstage: {} })],
  ['an expression', pipeline({ $project: { x: { $nosuchexpression: 1 } } })],
  ['an accumulator', pipeline({ $group: { _id: null, x: { $nosuchaccumulator: 1 } } })],
  ['an option of $unwind', pipeline({ $unwind: { path: '$a', ...strange } })],
  ['an option of $lookup', pipeline({ $lookup: { from: 'c', pipeline: [], as: 'x', ...strange } })],
  ['an option of $merge', pipeline({ $merge: { into: 'x', ...strange } })],
  ['an option of $out', pipeline({ $out: { db: 'refusals', coll: 'x', ...strange } })],
  ['an option of $bucket', pipeline({ $bucket: { groupBy: '$a', boundaries: [0, 9], ...strange } })],
  ['an option of $unionWith', pipeline({ $unionWith: { coll: 'c', ...strange } })],
  ['an option of $sample', pipeline({ $sample: { size: 1, ...strange } })],
  [
    'an option of $push',
    { update: 'c', updates: [{ q: {}, u: { $push: { a: { $each: [], $nosuch: 1 } } } }] },
  ],
  ['an option of $filter', pipeline({ $project: { x: { $filter: { input: [], cond: 1, ...strange } } } })],
  [
    'an option of $dateToString',
    pipeline({ $project: { x: { $dateToString: { date: '$$NOW', ...strange } } } }),
  ],
  [
    'an array filter that is not used',
    { update: 'c', updates: [{ q: {}, u: { $set: { b: 1 } }, arrayFilters: [{ x: 1 }] }] },
  ],
  [
    'an operation of bulkWrite',
    { bulkWrite: 1, ops: [{ insert: 0, document: {}, ...strange }], nsInfo: [{ ns: 'refusals.c' }] },
  ],
])('%s that nobody knows is refused, and nothing is done', async (_what, command) => {
  const target = 'bulkWrite' in command ? (await server.connect()).db('admin') : db;
  const before = await db.collection('c').find().toArray();
  const answer = await send(command, target).catch((error: mongoose.mongo.MongoServerError) => error);
  const refused = answer instanceof Error || answer['writeErrors'] || answer['nErrors'] > 0;
  expect(refused ? true : answer).toBe(true);
  expect(await db.collection('c').find().toArray()).toEqual(before);
});
