import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Timestamp } from 'bson';
import { doc, toPlain } from '../bson/plain.js';
import { BDoc } from '../bson/values.js';
import { parseIndexSpec, readIndexSpec } from '../catalog/index.js';
import { Engine } from './engine.js';
import type { WriteSteps } from './write-queue.js';

let directory: string;
let engine: Engine;

const opened = (oplogMaxBytes = 2 ** 20): Engine => new Engine({ directory, oplogMaxBytes });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'engine-'));
  engine = opened();
});

afterEach(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});

function insert(...documents: object[]): Promise<void> {
  return engine.queue.run(function* (): WriteSteps<void> {
    for (const document of documents) {
      engine.writes.insert(engine.collectionForWrite('t.c'), doc(document as never));
      yield;
    }
  });
}

const collection = () => engine.catalog.get('t.c')!;
const stored = (rid: number): unknown => toPlain(BDoc.fromBytes(collection().records.get(rid)!));

test('_id is put first and made if there is none', async () => {
  await insert({ a: 1, _id: 5 }, { a: 2 });
  expect(BDoc.fromBytes(collection().records.get(1)!).keys()).toEqual(['_id', 'a']);
  expect(BDoc.fromBytes(collection().records.get(2)!).keys()).toEqual(['_id', 'a']);
});

test('an _id of null is kept, a second _id is refused', async () => {
  await insert({ a: 1, _id: null });
  expect(stored(1)).toEqual({ _id: null, a: 1 });
  const twice = BDoc.of(['_id', 1], ['a', doc({ _id: 1 })], ['_id', 2]);
  const writing = engine.queue.once(() =>
    engine.writes.insert(collection(), BDoc.fromBytes(twice.toBytes())),
  );
  await expect(writing).rejects.toMatchObject({ code: 2 });
});

test.each([[[1]], [/a/]])('an _id of %p is refused', async (id) => {
  const { BSONRegExp } = await import('bson');
  const _id = id instanceof RegExp ? new BSONRegExp('a') : id;
  await expect(insert({ _id })).rejects.toMatchObject({ code: 53 });
});

test('a document with two _id is refused, one with an _id further in is not', async () => {
  await insert({ _id: 1, a: { _id: 2 } });
  const write = engine.queue.run(function* (): WriteSteps<void> {
    yield;
    engine.writes.insert(collection(), BDoc.of(['_id', 3], ['a', 1], ['_id', 4]));
  });
  await expect(write).rejects.toMatchObject({ code: 2 });
});

test.each<[object, boolean]>([
  [{ $ref: 'c', $id: 1 }, true],
  [{ $ref: 'c', $id: 1, $db: 'd', x: 1 }, true],
  [{ $id: 1 }, false],
  [{ x: [{ $y: 1 }] }, false],
])('an _id of %j is stored: %p', async (_id, fine) => {
  if (fine) await insert({ _id });
  else await expect(insert({ _id })).rejects.toMatchObject({ code: 52 });
});

test('a refused document leaves no trace in any index', async () => {
  await insert({ _id: 1, a: 1, b: 1 });
  await engine.queue.run(function* () {
    engine.catalog.addIndex(collection(), parseIndexSpec(doc({ name: 'a', key: { a: 1 } })), 'ready');
    engine.catalog.addIndex(
      collection(),
      parseIndexSpec(doc({ name: 'z', key: { z: 1 }, unique: true })),
      'ready',
    );
    yield;
  });
  await insert({ _id: 2, a: 2, z: 1 });
  await expect(insert({ _id: 3, a: 3, z: 1 })).rejects.toMatchObject({ code: 11000 });
  expect(collection().count).toBe(2);
  for (const index of collection().indexes)
    expect(index.table.count({ low: Buffer.alloc(0), high: null }, 100)).toBeLessThan(3);
});

test('a document that an index cannot hold keeps its entries when it is not deleted', async () => {
  await insert({ _id: 1, a: [1, 2], b: [1, 2] });
  await engine.queue.once(() =>
    engine.catalog.addIndex(
      collection(),
      parseIndexSpec(doc({ name: 'ab', key: { a: 1, b: 1 } })),
      'building',
    ),
  );
  const bytes = collection().records.get(1)!;
  const deleting = engine.queue.once(() => engine.writes.delete(collection(), 1, BDoc.fromBytes(bytes)));
  await expect(deleting).rejects.toMatchObject({ code: 171 });
  expect([collection().count, collection().indexes[0]!.table.count()]).toEqual([1, 1]);
});

test('counts, sizes and record ids go on after a restart', async () => {
  await insert({ _id: 1 }, { _id: 2 });
  const { bytes, nextRid } = collection();
  engine.close();
  engine = opened();
  expect(collection()).toMatchObject({ count: 2, bytes, nextRid });
  await insert({ _id: 3 });
  expect(stored(3)).toEqual({ _id: 3 });
});

test('an index whose definition would be refused today is opened all the same', async () => {
  await insert({ _id: 1 });
  const definition = doc({ name: 'old', key: { 'a.$b': 1 } });
  expect(() => parseIndexSpec(definition)).toThrow();
  await engine.queue.once(() => engine.catalog.addIndex(collection(), readIndexSpec(definition), 'ready'));
  engine.close();
  engine = opened();
  expect(collection().indexes.map(({ spec }) => spec.name)).toEqual(['_id_', 'old']);
  await insert({ _id: 2 });
  expect(collection().count).toBe(2);
});

test('a byte that changed on disk is reported, not served', async () => {
  await insert({ _id: 1, text: 'before' });
  engine.close();
  const raw = new DatabaseSync(join(directory, 'data.sqlite'));
  const [{ doc: bytes }] = raw.prepare('SELECT doc FROM c_1').all() as [{ doc: Uint8Array }];
  const damaged = Buffer.from(bytes);
  damaged.write('b', damaged.indexOf('efore'));
  raw.prepare('UPDATE c_1 SET doc=?').run(damaged);
  raw.close();
  engine = opened();
  expect(() => stored(1)).toThrow(expect.objectContaining({ code: 22 }));
});

test('every write is in the oplog, in ascending order', async () => {
  await insert({ _id: 1, n: 1 });
  await engine.queue.run(function* () {
    const before = doc({ _id: 1, n: 1 });
    engine.writes.update(collection(), 1, before, doc({ _id: 1, n: 2 }));
    engine.writes.delete(collection(), 1, doc({ _id: 1, n: 2 }));
    yield;
  });
  const entries = engine.oplog.records.scan(0, 100).map(({ bytes }) => BDoc.fromBytes(bytes));
  expect(entries.map((document) => [document.get('op'), toPlain(document.get('o')!)])).toEqual([
    ['c', { create: 'c' }],
    ['i', { _id: 1, n: 1 }],
    ['u', { _id: 1, n: 2 }],
    ['d', { _id: 1 }],
  ]);
  const times = entries.map((document) => (document.get('ts') as Timestamp).toBigInt());
  expect([...times].sort((a, b) => Number(a - b))).toEqual(times);
});

test('the oplog keeps the newest entries within its size', async () => {
  engine.close();
  engine = opened(10_000);
  for (let n = 0; n < 20; n += 1) await insert({ _id: n, pad: 'x'.repeat(1000) });
  const entries = engine.oplog.records.scan(0, 100);
  expect(engine.oplog.count).toBe(entries.length);
  expect(engine.oplog.bytes).toBeLessThanOrEqual(10_000);
  expect(entries.length).toBeLessThan(20);
  expect((BDoc.fromBytes(entries.at(-1)!.bytes).get('o') as BDoc).get('_id')).toBe(19);
});

test('an index build that a rollback or a crash cut short is gone, the table at the next start', async () => {
  await insert({ _id: 1, a: 1 });
  await engine.queue.once(() =>
    engine.catalog.addIndex(collection(), parseIndexSpec(doc({ name: 'a', key: { a: 1 } })), 'building'),
  );
  const faulty = engine.queue.once(() => {
    throw new TypeError('a programming error');
  });
  await expect(faulty).rejects.toThrow(TypeError);
  expect(collection().indexes.map(({ spec }) => spec.name)).toEqual(['_id_']);
  engine.close();
  engine = opened();
  expect(collection().indexes.map(({ spec }) => spec.name)).toEqual(['_id_']);
  const raw = new DatabaseSync(join(directory, 'data.sqlite'));
  engine.close();
  expect(
    raw.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name LIKE 'i~_%' ESCAPE '~'").get(),
  ).toEqual({ n: 1 });
  raw.close();
  engine = opened();
});

test('a fault in a write leaves memory as it was before', async () => {
  await insert({ _id: 1 });
  const faulty = engine.queue.once(() => {
    engine.createCollection('t.other');
    engine.writes.insert(collection(), doc({ _id: 2 }));
    throw new TypeError('a programming error');
  });
  await expect(faulty).rejects.toThrow(TypeError);
  expect(engine.catalog.get('t.other')).toBeUndefined();
  expect(collection()).toMatchObject({ count: 1, nextRid: 2 });
});
