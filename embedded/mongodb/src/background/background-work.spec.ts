import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doc } from '../bson/plain.js';
import type { Collection } from '../catalog/collection.js';
import { parseIndexSpec } from '../catalog/index.js';
import { Engine } from '../storage/engine.js';
import { deleteExpired } from './background-work.js';

let directory: string;
let engine: Engine;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'background-'));
  engine = new Engine({ directory, oplogMaxBytes: 2 ** 20 });
});

afterEach(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});

function collectionWithTtl(ns: string, times: number[]): Collection {
  const collection = engine.createCollection(ns);
  const spec = parseIndexSpec(doc({ name: 'at', key: { at: 1 }, expireAfterSeconds: 5 }));
  engine.catalog.addIndex(collection, spec, 'ready');
  for (const seconds of times) engine.writes.insert(collection, doc({ at: new Date(seconds * 1000) }));
  return collection;
}

test('damaged documents of one collection do not keep those of others from expiring', async () => {
  const [damaged, other] = await engine.queue.once(() =>
    ['t.a', 't.b'].map((ns) => collectionWithTtl(ns, [0, 9])),
  );
  damaged!.records.verified = () => {
    throw new Error('damaged');
  };
  await deleteExpired(engine, new Date(10_000));
  expect([damaged!.count, other!.count]).toEqual([2, 1]);
});

test('an index that is dropped meanwhile deletes no more', async () => {
  const collection = await engine.queue.once(() =>
    collectionWithTtl(
      't.a',
      Array.from({ length: 4_000 }, () => 0),
    ),
  );
  const deleting = deleteExpired(engine, new Date(10_000));
  while (collection.count === 4_000) await engine.queue.once(() => undefined);
  await engine.queue.once(() => engine.catalog.dropIndex(collection, collection.indexes[1]!));
  await deleting;
  expect(collection.count).toBeGreaterThan(0);
});
