import { BDoc } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import type { Index } from '../catalog/index.js';
import { evalContext } from '../expr/context.js';
import { prepareFind } from '../query/find.js';
import type { Engine } from '../storage/engine.js';
import { runDelete } from '../commands/delete.js';

/** Deletes documents whose date in a TTL index is old enough, through the ordinary write path. */
export async function deleteExpired(engine: Engine, now: Date = new Date()): Promise<number> {
  let deleted = 0;
  for (const collection of engine.catalog.list()) {
    for (const index of collection.readyIndexes) {
      if (index.spec.expireAfterSeconds !== null)
        deleted += await deleteByIndex(engine, collection, index, now);
    }
  }
  return deleted;
}

async function deleteByIndex(
  engine: Engine,
  collection: Collection,
  index: Index,
  now: Date,
): Promise<number> {
  const statement = {
    ns: collection.ns,
    filter: expired(index, now),
    multi: true,
    context: evalContext(now),
  };
  // A look first: most runs find nothing and need no write.
  const look = prepareFind(collection, { filter: statement.filter, limit: 1 }, statement.context);
  if (look.run(engine.epoch).next().done) return 0;
  const { n } = await engine.queue.run(() => runDelete(engine, statement));
  return n;
}

/** A range on dates matches an array by any of its dates, hence by its earliest. */
function expired(index: Index, now: Date): BDoc {
  const [path] = index.paths as [string];
  const limit = new Date(now.getTime() - (index.spec.expireAfterSeconds ?? 0) * 1000);
  const filter = BDoc.of([path, BDoc.of(['$lte', limit])]);
  return index.spec.partial ? BDoc.of(['$and', [filter, index.spec.partial]]) : filter;
}
