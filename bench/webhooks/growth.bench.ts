// Delivered webhooks per second with a short and with a long history in the store; the cost of a delivery must not
// grow with what was delivered before. npm run bench:growth [-- --stored 10000,1000000] [--messages 20000] [--runs 3]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from '../../embedded/stack/stack.js';
import { connectMongo } from '../../src/store/connection.js';
import { webhookModels } from '../../src/store/webhooks/webhook-models.js';
import { machine } from '../machine.js';
import { median, round } from '../quantiles.js';
import { LoadGenerator } from './load.js';
import { Sink } from './sink.js';
import { StoredHistory } from './stored-history.js';
import { benchTarget } from './target.js';

const CONNECTIONS = 64;
const DRAIN_MS = 300_000;
const BAR = 1.5;

const { values: options } = parseArgs({
  options: {
    stored: { type: 'string', default: '10000,1000000' },
    messages: { type: 'string', default: '20000' },
    runs: { type: 'string', default: '3' },
  },
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const figures: { stored: number; perSecond: number }[] = [];
for (const stored of options.stored.split(',').map(Number))
  figures.push({ stored, perSecond: await delivered(stored) });

const best = Math.max(...figures.map(({ perSecond }) => perSecond));
const rows = figures.map(({ stored, perSecond }) => {
  const ratio = round(best / perSecond);
  return `${String(stored).padStart(12)}${String(perSecond).padStart(14)}${String(ratio).padStart(10)}  ${ratio <= BAR ? 'ok' : 'OVER'}`;
});
process.stdout.write(
  `${JSON.stringify(machine())}\n      stored   delivered/s     ratio  (bar ${BAR})\n${rows.join('\n')}\n`,
);

/** The median of the runs. */
async function delivered(stored: number): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const sink = await Sink.start();
  const stack = await startStack({ dataDir, ports: 'free', env: { LOG_LEVEL: 'warn' } });
  try {
    const connection = await connectMongo(stack.mongodbUrl, 'holdfast');
    await new StoredHistory(webhookModels(connection), stored).store(say);
    await connection.close();
    const { app } = await benchTarget(stack, sink.url);
    const load = new LoadGenerator(stack.apiUrl, stack.apiKey, app, 1_024, CONNECTIONS);
    await sink.collect((await load.closedLoop(2_000, CONNECTIONS)).length, DRAIN_MS);
    const rates: number[] = [];
    for (let run = 0; run < Number(options.runs); run++) {
      const sent = await load.closedLoop(Number(options.messages), CONNECTIONS);
      const arrivals = await sink.collect(sent.length, DRAIN_MS);
      if (arrivals.size < sent.length) throw new Error(`${sent.length - arrivals.size} did not arrive`);
      const first = Math.min(...sent.map(({ sentAt }) => sentAt));
      const last = Math.max(...[...arrivals.values()].map(([at = 0]) => at));
      rates.push(round((sent.length * 1_000) / (last - first)));
      say(`${stored} stored, run ${run + 1}: ${rates.at(-1)} delivered/s`);
    }
    await load.close();
    return median(rates);
  } finally {
    await stack.stop();
    sink.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
