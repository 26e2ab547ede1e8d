import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doc } from '../bson/plain.js';
import { parseIndexSpec } from '../catalog/index.js';
import { Engine } from '../storage/engine.js';
import { deleteExpired } from './background-work.js';

test('damaged documents of one collection do not keep those of others from expiring', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'background-'));
  const engine = new Engine({ directory, oplogMaxBytes: 2 ** 20 });
  const [damaged, other] = await engine.queue.once(() =>
    ['t.a', 't.b'].map((ns) => {
      const collection = engine.createCollection(ns);
      const spec = parseIndexSpec(doc({ name: 'at', key: { at: 1 }, expireAfterSeconds: 5 }));
      engine.catalog.addIndex(collection, spec, 'ready');
      for (const seconds of [0, 9]) engine.writes.insert(collection, doc({ at: new Date(seconds * 1000) }));
      return collection;
    }),
  );
  damaged!.records.verified = () => {
    throw new Error('damaged');
  };
  await deleteExpired(engine, new Date(10_000));
  expect([damaged!.count, other!.count]).toEqual([2, 1]);
  engine.close();
  rmSync(directory, { recursive: true });
});
