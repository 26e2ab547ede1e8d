import type { Services } from '../commands/context.js';
import { log } from '../stats/log.js';
import { deleteExpired } from './ttl.js';

const TTL_MS = 60_000;
const TTL_TEST_MS = 1_000;
const REAP_MS = 60_000;
/** MongoDB's period of no-op oplog entries on an idle primary. */
const NOOP_MS = 10_000;

/** What the server does on its own: TTL deletes, closing idle cursors, forgetting old retry records, idle no-ops. */
export class BackgroundWork {
  private readonly timers: NodeJS.Timeout[] = [];
  private deleting = false;
  private lastTime = 0;

  constructor(private readonly services: Services) {}

  start(): void {
    const { testCommands } = this.services.info.options;
    this.every(testCommands ? TTL_TEST_MS : TTL_MS, () => this.expire());
    this.every(REAP_MS, () => this.reap());
    this.every(NOOP_MS, () => this.noop());
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  private every(ms: number, work: () => Promise<void>): void {
    const guarded = (): void => {
      work().catch((error: unknown) => log('error', 'background work failed', { error: String(error) }));
    };
    this.timers.push(setInterval(guarded, ms).unref());
  }

  private async expire(): Promise<void> {
    if (this.deleting) return;
    this.deleting = true;
    try {
      await deleteExpired(this.services.engine);
    } finally {
      this.deleting = false;
    }
  }

  private async reap(): Promise<void> {
    const { cursors, engine } = this.services;
    cursors.reap(Date.now());
    await engine.queue.run(function* () {
      engine.retries.reap(Date.now());
      yield;
    });
  }

  /** Moves the cluster time along while nobody writes. */
  private async noop(): Promise<void> {
    const { engine } = this.services;
    const idle = engine.clock.current === this.lastTime;
    if (idle) {
      await engine.queue.run(function* () {
        engine.logNoop('periodic noop');
        yield;
      });
    }
    this.lastTime = engine.clock.current;
  }
}
