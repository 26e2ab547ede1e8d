// Accepted and delivered webhooks per second and the time from accept to delivery, on the embedded stack with
// everything on this machine and fsync on. npm run bench:webhooks [-- --json] [--messages 20000] [--rate 200] [--batch 100]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from '../../embedded/stack/stack.js';
import { cpuSeconds, machine } from '../machine.js';
import { quantiles, round } from '../quantiles.js';
import { commitCount } from './commit-count.js';
import { LoadGenerator } from './load.js';
import type { Sent } from './load.js';
import { Sink } from './sink.js';
import { benchTarget } from './target.js';

const CONNECTIONS = 64;
const PAYLOAD_BYTES = 1_024;
const BATCH_CONNECTIONS = 4;
const LATENCY_SECONDS = 20;
const DRAIN_MS = 120_000;

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '20000' },
    rate: { type: 'string', multiple: true, default: ['200', '500'] },
    batch: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
});

const say = (text: string) => process.stderr.write(`${text}\n`);

const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const sink = await Sink.start();
say('starting the stack ...');
const stack = await startStack({ dataDir, ports: 'free', env: { LOG_LEVEL: 'warn' } });
try {
  const { app } = await benchTarget(stack, sink.url);
  const load = new LoadGenerator(stack.apiUrl, stack.apiKey, app, PAYLOAD_BYTES, CONNECTIONS);
  say('warming up ...');
  await sink.collect((await load.closedLoop(2_000, CONNECTIONS)).length, DRAIN_MS);
  const latency = [];
  for (const rate of options.rate.map(Number)) {
    say(`${rate}/s for ${LATENCY_SECONDS} s ...`);
    latency.push({ offeredPerSecond: rate, ...(await measure(() => load.openLoop(rate, LATENCY_SECONDS))) });
  }
  say(`${options.messages} messages at ${CONNECTIONS} connections ...`);
  const throughput = await measure(() => load.closedLoop(Number(options.messages), CONNECTIONS));
  say(`${options.messages} messages by batches of ${options.batch} ...`);
  const batches = await measure(() =>
    load.batches(Number(options.messages), Number(options.batch), BATCH_CONNECTIONS),
  );
  await load.close();
  const result = {
    at: new Date().toISOString(),
    machine: machine(),
    payloadBytes: PAYLOAD_BYTES,
    throughput,
    batches: { size: Number(options.batch), connections: BATCH_CONNECTIONS, ...batches },
    latency,
  };
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/local-webhooks.json', `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${table(result)}\n`);
} finally {
  await stack.stop();
  sink.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

/** Runs a load to its end and until everything it was promised has arrived. */
async function measure(run: () => Promise<Sent[]>) {
  const cpuBefore = cpuSeconds(stack.pids());
  const commitsBefore = await commitCount(stack.mongodbUrl);
  const sent = await run();
  const arrivals = await sink.collect(sent.length, DRAIN_MS);
  const commits = (await commitCount(stack.mongodbUrl)) - commitsBefore;
  const cpuAfter = cpuSeconds(stack.pids());
  const first = Math.min(...sent.map((one) => one.sentAt));
  const lastAccept = Math.max(...sent.map((one) => one.acceptedAt));
  const arrived = sent.filter((one) => arrivals.has(one.id));
  const firstArrival = (one: Sent) => arrivals.get(one.id)?.[0] ?? Number.NaN;
  const lastArrival = Math.max(...arrived.map(firstArrival));
  const requests = [...arrivals.values()].reduce((sum, times) => sum + times.length, 0);
  return {
    messages: sent.length,
    lost: sent.length - arrived.length,
    duplicates: requests - arrivals.size,
    acceptedPerSecond: round((sent.length * 1_000) / (lastAccept - first)),
    deliveredPerSecond: round((arrived.length * 1_000) / (lastArrival - first)),
    acceptMs: quantiles(sent.map((one) => one.acceptedAt - one.sentAt)),
    /** From the request leaving the client to the receiver having it: includes the accept. */
    sentToDeliveredMs: quantiles(arrived.map((one) => firstArrival(one) - one.sentAt)),
    /** From the 202 to the receiver having it; 0 where it was delivered before the client saw the 202. */
    acceptToDeliveredMs: quantiles(arrived.map((one) => Math.max(0, firstArrival(one) - one.acceptedAt))),
    fsyncs: commits,
    fsyncsPerMessage: round(commits / sent.length),
    cpuSecondsPer1000: Object.fromEntries(
      Object.entries(cpuAfter).map(([name, after]) => [
        name,
        round(((after - (cpuBefore[name] ?? 0)) * 1_000) / sent.length),
      ]),
    ),
  };
}

type Measured = Awaited<ReturnType<typeof measure>>;

function table(result: {
  machine: Record<string, unknown>;
  throughput: Measured;
  batches: Measured & { size: number; connections: number };
  latency: (Measured & { offeredPerSecond: number })[];
}): string {
  const rows = [
    [
      'load',
      'messages',
      'accepted/s',
      'delivered/s',
      'accept p95',
      'accept->delivered p50',
      'p95',
      'p99',
      'fsyncs/msg',
      'lost',
      'dup',
    ],
    ...[
      { load: `${CONNECTIONS} connections`, ...result.throughput },
      { load: `${result.batches.connections} x batch of ${result.batches.size}`, ...result.batches },
      ...result.latency.map((one) => ({ load: `${one.offeredPerSecond}/s`, ...one })),
    ].map((one) => [
      one.load,
      one.messages,
      one.acceptedPerSecond,
      one.deliveredPerSecond,
      one.acceptMs.p95,
      one.acceptToDeliveredMs.p50,
      one.acceptToDeliveredMs.p95,
      one.acceptToDeliveredMs.p99,
      one.fsyncsPerMessage,
      one.lost,
      one.duplicates,
    ]),
  ].map((row) => row.map(String));
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
  return `${Object.entries(result.machine)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')}; times in ms\n${lines.join('\n')}`;
}
