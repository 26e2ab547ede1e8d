import mongoose from 'mongoose';
import { documentBytes, RawValue, RISING } from './bson-values.js';
import { EmbeddedProcess } from './embedded-process.js';
import { body, message, open, reply, rawSequence } from './raw-connection.js';

const { serialize } = mongoose.mongo.BSON;

let server: EmbeddedProcess;
let db: mongoose.mongo.Db;

beforeAll(async () => {
  server = await EmbeddedProcess.start();
  db = (await server.connect()).db('types');
});

afterAll(() => server.stop());

type Doc = mongoose.mongo.Document & { _id: number };
type Collection = mongoose.mongo.Collection<Doc>;

/** The values of one place in the order have ids of one hundred. */
const stored = RISING.flatMap(({ values }, place) =>
  values.map((v, at) => ({ _id: place * 100 + at, v, place })),
);
const placeOf = ({ _id }: { _id: number }): number => Math.floor(_id / 100);
const places = (documents: Doc[]): number[] => [...new Set(documents.map(placeOf))].toSorted((a, b) => a - b);

/** Past the driver, which cannot write all types. */
async function insertBytes(collection: string, documents: Buffer[]): Promise<void> {
  const socket = await open(server.port);
  const answered = reply(socket);
  const insert = body({ insert: collection, $db: 'types' });
  socket.write(message(Buffer.concat([insert, rawSequence('documents', documents)])));
  expect(await answered).toMatchObject({ ok: 1, n: documents.length });
  socket.destroy();
}

/** What a query gives, as the bytes that came over the wire. */
async function hex(cursor: mongoose.mongo.FindCursor): Promise<string[]> {
  const raw = (await cursor.toArray()) as unknown as Uint8Array[];
  return raw.map((bytes) => Buffer.from(bytes).toString('hex'));
}

/** Types of which a filter has another meaning, or that the driver cannot send. */
const canAsk = (v: unknown, kind: string): boolean => !(v instanceof RawValue) && kind !== 'regex';

describe.each([
  ['with an index', true],
  ['without an index', false],
])('values of every BSON type, %s', (name, indexed) => {
  let collection: Collection;

  beforeAll(async () => {
    collection = db.collection<Doc>(name);
    if (indexed) await collection.createIndex({ v: 1 });
    // Backwards, so that the order of insertion is never the right one.
    await insertBytes(name, stored.map(({ _id, v }) => documentBytes(_id, v)).toReversed());
  });

  test('come back as the bytes that were stored', async () => {
    const found = await hex(collection.find({}, { raw: true, sort: { _id: 1 } }));
    expect(found).toEqual(stored.map(({ _id, v }) => documentBytes(_id, v).toString('hex')));
  });

  test.each([1, -1] as const)('are sorted in the order of MongoDB, direction %i', async (direction) => {
    const found = await collection.find({}, { sort: { v: direction } }).toArray();
    const rising = direction === 1 ? found : found.toReversed();
    expect(rising.map(placeOf)).toEqual(stored.map(({ place }) => place));
  });

  test('are found by equality, equal values of other types included', async () => {
    for (const [place, { kind, values }] of RISING.entries())
      for (const v of values.filter((one) => canAsk(one, kind))) {
        const found = await collection.find({ v: { $in: [v] } } as object).toArray();
        expect([place, places(found), found.length]).toEqual([place, [place], values.length]);
      }
  });

  test('are grouped by value: 5, 5.0, Long 5 and Decimal 5.00 are one group', async () => {
    const pipeline = [{ $group: { _id: '$v', ids: { $push: '$_id' } } }];
    const groups = await collection.aggregate<{ ids: number[] }>(pipeline).toArray();
    const got = groups.map(({ ids }) => ids.toSorted((a, b) => a - b));
    const wanted = RISING.map(({ values }, place) => values.map((_, at) => place * 100 + at));
    expect(got.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))).toEqual(wanted);
  });

  test('a range stays within the type of its bound', async () => {
    for (const [place, { kind, values }] of RISING.entries()) {
      // A range over arrays also looks at their elements, which are of other types.
      if (!values.every((v) => canAsk(v, kind)) || kind === 'array') continue;
      const everything = kind === 'minKey' || kind === 'maxKey';
      const comparable = [...RISING.keys()].filter((at) => everything || RISING[at]?.kind === kind);
      for (const v of values)
        for (const [operator, isIn] of RANGES) {
          const found = places(await collection.find({ v: { [operator]: v } } as object).toArray());
          const wanted = comparable.filter((at) => isIn(at, place));
          expect([place, operator, found]).toEqual([place, operator, wanted]);
        }
    }
  });
});

const RANGES: [string, (at: number, bound: number) => boolean][] = [
  ['$gt', (at, bound) => at > bound],
  ['$gte', (at, bound) => at >= bound],
  ['$lt', (at, bound) => at < bound],
  ['$lte', (at, bound) => at <= bound],
];

test('the table of values has every BSON type', () => {
  const types = stored.map(({ v, _id }) => documentBytes(_id, v)[4 + '\x10_id\0....'.length]);
  const all = [...Array.from({ length: 19 }, (_, at) => at + 1), 0x7f, 0xff];
  expect([...new Set(types)].toSorted((a, b) => Number(a) - Number(b))).toEqual(all);
});

describe.each([
  ['with an index', true],
  ['without an index', false],
])('documents with field names like integers, %s', (title, indexed) => {
  // A Map keeps its order, an object would put its integer-like names first.
  const documents = Array.from({ length: 30 }, (_, n) => {
    const k = new Map<string, unknown>([['b', n % 7], ['1', -n], ['a', 'x'], ['0', n % 10]]); // prettier-ignore
    return new Map<string, unknown>([['_id', n], ['2', n % 3], ['k', k], ['1', 'one']]); // prettier-ignore
  });
  const bytes = documents.map((document) => Buffer.from(serialize(document)));
  let collection: Collection;

  beforeAll(async () => {
    collection = db.collection<Doc>(`names ${title}`);
    if (indexed) await collection.createIndexes([{ key: { 'k.0': 1, 'k.1': -1 } }, { key: { 2: 1 } }]);
    await insertBytes(collection.collectionName, bytes);
  });

  test('come back as the bytes that were stored', async () => {
    const wanted = bytes.map((one) => one.toString('hex'));
    expect(await hex(collection.find({}, { raw: true, sort: { _id: 1 } }))).toEqual(wanted);
  });

  test('keep their order when a field is changed and when one is added', async () => {
    const changed = db.collection<Doc>(`changed ${title}`);
    await insertBytes(changed.collectionName, bytes.slice(0, 1));
    await changed.updateOne({ _id: 0 }, { $set: { 'k.1': 'changed', 'k.3': 3 } });
    const k = new Map<string, unknown>([['b', 0], ['1', 'changed'], ['a', 'x'], ['0', 0], ['3', 3]]); // prettier-ignore
    const wanted = new Map<string, unknown>([['_id', 0], ['2', 0], ['k', k], ['1', 'one']]); // prettier-ignore
    expect(await hex(changed.find({}, { raw: true }))).toEqual([
      Buffer.from(serialize(wanted)).toString('hex'),
    ]);
  });

  test('are found by range, sorted and grouped by them', async () => {
    const some = await collection
      .find({ 'k.0': { $gte: 3, $lt: 5 } }, { sort: { 'k.0': 1, 'k.1': -1 } })
      .toArray();
    expect(some.map(({ _id }) => _id)).toEqual([3, 13, 23, 4, 14, 24]);
    const rest = await collection.find({ 2: 1 }, { sort: { 'k.1': 1 } }).toArray();
    expect(rest.map(({ _id }) => _id)).toEqual([28, 25, 22, 19, 16, 13, 10, 7, 4, 1]);
    const groups = await collection
      .aggregate([{ $group: { _id: '$k.0', n: { $sum: 1 } } }, { $sort: { _id: 1 } }])
      .toArray();
    expect(groups).toEqual(Array.from({ length: 10 }, (_, _id) => ({ _id, n: 3 })));
  });
});
