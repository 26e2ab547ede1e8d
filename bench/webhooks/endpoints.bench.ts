// What the endpoints of an application cost each message: accept, delivery and CPU with few and with as many as there may
// be, each message for one of them; then one message to all. On the embedded stack.
// npm run bench:endpoints [-- --endpoints 1,1000,10000] [--rate 100] [--seconds 15] [--rounds 1] [--json]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from '../../embedded/stack/stack.js';
import { newId } from '../../src/platform/ids.js';
import { connectMongo } from '../../src/store/connection.js';
import { webhookModels } from '../../src/store/webhooks/webhook-models.js';
import { cpuSeconds, machine } from '../machine.js';
import { quantiles, round } from '../quantiles.js';
import { textTable } from '../text-table.js';
import { LoadGenerator } from './load.js';
import type { Sent } from './load.js';
import { Sink } from './sink.js';
import { benchTarget } from './target.js';

const CONNECTIONS = 64;
const PAYLOAD_BYTES = 1_024;
const INSERT_AT_ONCE = 1_000;
const DRAIN_MS = 120_000;
const ALL = 'all';

const { values: options } = parseArgs({
  options: {
    endpoints: { type: 'string', default: '1,1000,10000' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '15' },
    rounds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const say = (text: string) => process.stderr.write(`${text}\n`);
const channel = (n: number) => `endpoint-${n}`;

const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const sink = await Sink.start();
const stack = await startStack({ dataDir, ports: 'free', env: { LOG_LEVEL: 'error' } });
try {
  const cells = [];
  for (const count of options.endpoints.split(',').map(Number)) {
    say(`making ${count} endpoints ...`);
    cells.push({ count, load: await application(count) });
  }
  const rows = [];
  for (let at = 0; at < Number(options.rounds); at++) {
    for (const { count, load } of cells) {
      const steady = await toOneEach(load, count);
      const one = { endpoints: count, ...steady, toAll: await toAll(load, count) };
      say(JSON.stringify(one));
      rows.push(one);
    }
  }
  for (const { load } of cells) await load.close();
  const result = { at: new Date().toISOString(), machine: machine(), rate: Number(options.rate), rows };
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${table(result.rows)}\n`);
} finally {
  await stack.stop();
  sink.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

/** Messages at a steady rate, each for one endpoint, in turn. */
async function toOneEach(load: LoadGenerator, count: number) {
  const to = (n: number) => [channel(n % count)];
  const warm = await load.openLoop(Number(options.rate), 2, to);
  await sink.collect(warm.length, DRAIN_MS);
  const { sent, arrivals, cpuMs } = await measured(
    () => load.openLoop(Number(options.rate), Number(options.seconds), to),
    1,
  );
  const late = sent.map(({ id, acceptedAt }) => Math.max(0, (arrivals.get(id)?.[0] ?? NaN) - acceptedAt));
  return {
    acceptMs: quantiles(sent.map(({ sentAt, acceptedAt }) => acceptedAt - sentAt)),
    acceptToDeliveredMs: quantiles(late),
    cpuMsPerMessage: perMessage(cpuMs, sent.length),
  };
}

/** One message to all endpoints. */
async function toAll(load: LoadGenerator, count: number) {
  const { sent, arrivals, cpuMs } = await measured(() => load.closedLoop(1, 1, () => [ALL]), count);
  const [message] = sent;
  const times = arrivals.get(message!.id) ?? [];
  return {
    acceptMs: round(message!.acceptedAt - message!.sentAt),
    allDeliveredMs: round(Math.max(...times) - message!.acceptedAt),
    lost: count - times.length,
    cpuMsPerDelivery: perMessage(cpuMs, count),
  };
}

async function measured(run: () => Promise<Sent[]>, deliveriesEach: number) {
  const before = cpuSeconds(stack.pids());
  const sent = await run();
  const arrivals = await sink.collect(sent.length * deliveriesEach, DRAIN_MS);
  const cpuMs = Object.entries(cpuSeconds(stack.pids())).map(
    ([name, seconds]) => [name, (seconds - (before[name] ?? 0)) * 1_000] as const,
  );
  return { sent, arrivals, cpuMs };
}

function perMessage(cpuMs: (readonly [string, number])[], messages: number): Record<string, number> {
  return Object.fromEntries(cpuMs.map(([name, ms]) => [name, round(ms / messages)]));
}

/** An application whose endpoints each have a channel of their own, and one that all share. */
async function application(count: number): Promise<LoadGenerator> {
  const { app, ep } = await benchTarget(stack, sink.url, { channels: [channel(0), ALL] });
  const connection = await connectMongo(stack.mongodbUrl, 'holdfast');
  const models = webhookModels(connection);
  const { collection } = models.endpoints;
  const model = await collection.findOne({ _id: ep as never });
  const rows = Array.from({ length: count - 1 }, (_, n) => {
    const _id = newId('ep');
    return { ...model, _id, uk: `${app}:${_id}`, channels: [channel(n + 1), ALL] };
  });
  for (let from = 0; from < rows.length; from += INSERT_AT_ONCE)
    await collection.insertMany(rows.slice(from, from + INSERT_AT_ONCE) as never);
  await models.applications.updateOne({ _id: app }, { $inc: { rev: 1 } });
  await connection.close();
  return new LoadGenerator(stack.apiUrl, stack.apiKey, app, PAYLOAD_BYTES, CONNECTIONS);
}

function table(
  rows: ({ endpoints: number } & Awaited<ReturnType<typeof toOneEach>> & {
      toAll: Awaited<ReturnType<typeof toAll>>;
    })[],
): string {
  const head = [
    'endpoints',
    'accept p50',
    'p95',
    'to delivered p95',
    'CPU ms: api',
    'worker',
    'mongodb',
    'to all: accept',
    'all have it',
    'lost',
  ];
  return textTable([
    head,
    ...rows.map(({ endpoints, acceptMs, acceptToDeliveredMs, cpuMsPerMessage: cpu, toAll: all }) =>
      [
        ...[endpoints, acceptMs.p50, acceptMs.p95, acceptToDeliveredMs.p95],
        ...[cpu['api'], cpu['worker'], cpu['mongodb'], all.acceptMs, all.allDeliveredMs, all.lost],
      ].map(String),
    ),
  ]);
}
