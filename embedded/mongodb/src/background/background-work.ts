import type { Services } from '../commands/command.js';
import { log } from '../stats/log.js';
import { deleteExpired } from './ttl.js';

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
    try {
      await work();
    } catch (error) {
      log('error', 'background work failed', { error: String(error) });
    }
    running = false;
  };
  return setInterval(() => void run(), ms).unref();
}
