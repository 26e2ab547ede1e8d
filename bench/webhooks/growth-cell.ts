import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../../embedded/stack/stack.js';
import type { Stack } from '../../embedded/stack/stack.js';
import { connectMongo } from '../../src/store/connection.js';
import { webhookModels } from '../../src/store/webhooks/webhook-models.js';
import type { WebhookModels } from '../../src/store/webhooks/webhook-models.js';
import { inTurns } from '../in-turns.js';
import { quantiles, round } from '../quantiles.js';
import { LoadGenerator } from './load.js';
import type { Sent } from './load.js';
import { Sink } from './sink.js';
import { StoredHistory } from './stored-history.js';
import { benchTarget } from './target.js';
import { storeWaiting } from './waiting-deliveries.js';

const CONNECTIONS = 64;
const CREATE_AT_ONCE = 16;
const WARM_UP = 1_000;
const RATE = 200;
const DRAIN_MS = 300_000;

/** What there is of something before a load begins. */
export interface Grown {
  /** Messages, deliveries and attempts of the past. */
  stored: number;
  /** Endpoints of the application; each message goes to one of them, in turn. */
  endpoints: number;
  /** Deliveries in the shared lanes that are not due yet. */
  waiting: number;
}

export interface CellFigures {
  deliveredPerSecond: number;
  /** From the 202 to the receiver having it, at 200 messages a second, in ms. */
  p95: number;
}

/** A stack of its own that holds so much, and a load on it. */
export class GrowthCell {
  private constructor(
    private readonly stack: Stack,
    private readonly sink: Sink,
    private readonly load: LoadGenerator,
    private readonly channels: (n: number) => string[],
  ) {}

  static async open({ stored, endpoints, waiting }: Grown, say: (text: string) => void): Promise<GrowthCell> {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
    const stack = await startStack({ dataDir, ports: 'free', env: { LOG_LEVEL: 'error' } });
    const sink = await Sink.start();
    const connection = await connectMongo(stack.mongodbUrl, 'holdfast');
    const models: WebhookModels = webhookModels(connection);
    await new StoredHistory(models, stored).store(say);
    await storeWaiting(models, waiting);
    await connection.close();
    const channel = (n: number): string => `endpoint-${n % endpoints}`;
    const { app, call } = await benchTarget(stack, sink.url, { channels: [channel(0)] });
    const others = Array.from({ length: endpoints - 1 }, (_, n) => n + 1);
    await inTurns(others, CREATE_AT_ONCE, (n) =>
      call('POST', `/app/${app}/endpoint`, { url: sink.url, channels: [channel(n)] }),
    );
    const load = new LoadGenerator(stack.apiUrl, stack.apiKey, app, 1_024, CONNECTIONS);
    const cell = new GrowthCell(stack, sink, load, (n) => [channel(n)]);
    await cell.#arrived(await load.closedLoop(WARM_UP, CONNECTIONS, cell.channels));
    return cell;
  }

  pids(): Record<string, number> {
    return { ...this.stack.pids(), sink: this.sink.pid };
  }

  async measure(messages: number, seconds: number): Promise<CellFigures> {
    const sent = await this.load.closedLoop(messages, CONNECTIONS, this.channels);
    const arrivals = await this.#arrived(sent);
    const first = Math.min(...sent.map(({ sentAt }) => sentAt));
    const last = Math.max(...[...arrivals.values()].map(([at = 0]) => at));
    const steady = await this.load.openLoop(RATE, seconds, this.channels);
    const came = await this.#arrived(steady);
    const ms = steady.map(({ id, acceptedAt }) => Math.max(0, (came.get(id)?.[0] ?? 0) - acceptedAt));
    return { deliveredPerSecond: round((sent.length * 1_000) / (last - first)), p95: quantiles(ms).p95 };
  }

  async close(): Promise<void> {
    await this.load.close();
    await this.stack.stop();
    this.sink.stop();
    rmSync(this.stack.dataDir, { recursive: true, force: true });
  }

  async #arrived(sent: readonly Sent[]): Promise<Map<string, number[]>> {
    const arrivals = await this.sink.collect(sent.length, DRAIN_MS);
    if (arrivals.size < sent.length) throw new Error(`${sent.length - arrivals.size} did not arrive`);
    return arrivals;
  }
}
