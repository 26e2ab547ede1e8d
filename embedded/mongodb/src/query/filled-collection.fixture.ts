import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doc } from '../bson/plain.js';
import type { Collection } from '../catalog/collection.js';
import { parseIndexSpec } from '../catalog/index.js';
import { Engine } from '../storage/engine.js';

/** An engine of its own for every test of the file that calls this, and collections in it to read from. */
export function filledCollections() {
  let directory: string;
  let engine: Engine;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'filled-'));
    engine = new Engine({ directory, oplogMaxBytes: 2 ** 20 });
  });

  afterEach(() => {
    engine.close();
    rmSync(directory, { recursive: true });
  });

  return {
    /** The one of the test that runs. */
    engine: (): Engine => engine,
    /** A new collection. The indexes are there before the documents. */
    filled: (documents: object[], indexes: object[], name = 't.c'): Promise<Collection> =>
      engine.queue.run(function* () {
        const collection = engine.createCollection(name);
        for (const index of indexes as { key: object }[]) {
          const name = Object.entries(index.key).flat().join('_');
          engine.catalog.addIndex(collection, parseIndexSpec(doc({ name, ...index } as never)), 'ready');
        }
        for (const document of documents) engine.writes.insert(collection, doc(document as never));
        yield;
        return collection;
      }),
  };
}
