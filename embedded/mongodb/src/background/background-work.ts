import { BDoc } from '../bson/values.js';
import type { Index } from '../catalog/index.js';
import type { Services } from '../commands/command.js';
import { runStatement } from '../commands/writes/statement.js';
import { evalContext } from '../expr/expression.js';
import { prepareFind } from '../query/find.js';
import { log } from '../stats/log.js';
import type { Engine } from '../storage/engine.js';

const TTL_MS = 60_000;
const TTL_TEST_MS = 1_000;
const REAP_MS = 60_000;

/** Starts what the server does on its own: TTL deletes, closing idle cursors, forgetting old retry records. */
export function startBackgroundWork({ engine, cursors, info }: Services): NodeJS.Timeout[] {
  return [
    every(info.options.testCommands ? TTL_TEST_MS : TTL_MS, () => deleteExpired(engine)),
    every(REAP_MS, async () => {
      cursors.reap(Date.now());
      await engine.queue.once(() => engine.retries.reap(Date.now()));
    }),
  ];
}

/** Repeats work that is never run twice at once. */
function every(ms: number, work: () => Promise<void>): NodeJS.Timeout {
  let running = false;
  const run = async (): Promise<void> => {
    if (running) return;
    running = true;
    await attempt(work);
    running = false;
  };
  return setInterval(() => void run(), ms).unref();
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log('error', 'background work failed', { error: String(error) });
  }
}

/** Deletes documents whose date in a TTL index is old enough, through the ordinary write path. */
export async function deleteExpired(engine: Engine, now = new Date()): Promise<void> {
  const context = evalContext();
  for (const collection of engine.catalog.list()) {
    for (const index of collection.readyIndexes) {
      if (index.spec.expireAfterSeconds === null) continue;
      const filter = expired(index, index.spec.expireAfterSeconds, now);
      // A collection with damaged documents must not keep the others from theirs.
      await attempt(async () => {
        // A look first: most runs find nothing and need no write.
        if (prepareFind(collection, { filter, limit: 1 }, context).run().next().done) return;
        const { ns } = collection;
        await engine.queue.run(function* () {
          const steps = runStatement(engine, { kind: 'delete', ns, filter, multi: true, context });
          // Whoever drops or changes the index meanwhile wants to keep what is left.
          while (collection.readyIndexes.includes(index) && !steps.next().done) yield;
        });
      });
    }
  }
}

/** A range on dates matches an array by any of its dates, hence by its earliest. */
function expired({ paths, spec }: Index, seconds: number, now: Date): BDoc {
  const limit = new Date(now.getTime() - seconds * 1000);
  const filter = BDoc.of([paths[0] as string, BDoc.of(['$lte', limit])]);
  return spec.partial ? BDoc.of(['$and', [filter, spec.partial]]) : filter;
}
