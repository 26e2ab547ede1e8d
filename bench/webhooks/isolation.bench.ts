// The time from sending a message to its delivery at healthy endpoints while another endpoint answers nothing for 30 s a
// call, and without such a one. npm run bench:isolation [-- --endpoints 1000] [--hanging 1] [--rate 200] [--seconds 20] [--rounds 3]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from '../../embedded/stack/stack.js';
import { inTurns } from '../in-turns.js';
import { machine } from '../machine.js';
import { median, quantiles, round } from '../quantiles.js';
import { LoadGenerator } from './load.js';
import { Sink } from './sink.js';
import { benchTarget } from './target.js';

const CONNECTIONS = 64;
const DRAIN_MS = 60_000;
const BAR = 1.2;
const AT_ONCE = 16;

const { values: options } = parseArgs({
  options: {
    endpoints: { type: 'string', default: '1000' },
    hanging: { type: 'string', default: '1' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
  },
});
const endpoints = Number(options.endpoints);
const hanging = Number(options.hanging);
const [rate, seconds] = [Number(options.rate), Number(options.seconds)];
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const sink = await Sink.start();
const stack = await startStack({ dataDir, ports: 'free', env: { LOG_LEVEL: 'error' } });
try {
  const channel = (n: number): string => `endpoint-${n}`;
  const { app, call } = await benchTarget(stack, sink.url, { uid: 'ep-0', channels: [channel(0)] });
  const path = (n: number): string => `/app/${app}/endpoint/ep-${n}`;
  const numbers = Array.from({ length: endpoints }, (_, n) => n);
  say(`making ${endpoints} endpoints ...`);
  await inTurns(numbers.slice(1), AT_ONCE, (n) =>
    call('PUT', path(n), { url: sink.url, channels: [channel(n)] }),
  );
  const load = new LoadGenerator(stack.apiUrl, stack.apiKey, app, 1_024, CONNECTIONS);
  // In turn over all endpoints, so that each hanging one gets its share of the messages.
  const healthy = (n: number): boolean => n % endpoints >= hanging;
  const p95 = async (): Promise<number> => {
    const sent = await load.openLoop(rate, seconds, (n) => [channel(n % endpoints)]);
    const wanted = sent.filter((_, n) => healthy(n));
    const ids = wanted.map(({ id }) => id);
    const arrivals = await sink.collectAll(ids, DRAIN_MS);
    const missing = ids.filter((id) => !arrivals.has(id)).length;
    if (missing > 0) throw new Error(`${missing} messages did not arrive at healthy endpoints`);
    return quantiles(wanted.map(({ id, sentAt }) => (arrivals.get(id)?.[0] ?? 0) - sentAt)).p95;
  };
  const hang = (url: string) =>
    inTurns(numbers.slice(0, hanging), AT_ONCE, (n) => call('PATCH', path(n), { url }));
  await p95();
  const figures: { without: number; while: number }[] = [];
  for (let turn = 0; turn < Number(options.rounds); turn++) {
    await hang(sink.url);
    const without = await p95();
    await hang(`${sink.url}hang`);
    figures.push({ without, while: await p95() });
    say(
      `round ${turn + 1}: p95 ${figures.at(-1)?.without} ms without, ${figures.at(-1)?.while} ms while ${hanging} hang`,
    );
  }
  await load.close();
  const without = median(figures.map((one) => one.without));
  const during = median(figures.map((one) => one.while));
  const ratio = round(during / without);
  process.exitCode = ratio <= BAR ? 0 : 1;
  process.stdout.write(
    `${JSON.stringify(machine())}\n${hanging} of ${endpoints} endpoints hang 30 s, ${rate}/s, healthy ones, sent to delivered:\n` +
      `p95 without ${without} ms, while they hang ${during} ms, ratio ${ratio} (bar ${BAR}) ${ratio <= BAR ? 'ok' : 'OVER'}\n`,
  );
} finally {
  await stack.stop();
  sink.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
