// What it costs to accept a message that goes to many endpoints, and how long it takes until all of them have it, on the
// embedded stack. npm run bench:fan-out [-- --endpoints 1 --endpoints 1000] [--messages 20] [--json]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startStack } from '../../embedded/stack/stack.js';
import { machine } from '../machine.js';
import { quantiles } from '../quantiles.js';
import { LoadGenerator } from './load.js';
import { Sink } from './sink.js';

const PAYLOAD_BYTES = 1_024;
const CREATE_AT_ONCE = 16;
const DRAIN_MS = 120_000;
const REST_MS = 1_500;

const { values: options } = parseArgs({
  options: {
    endpoints: { type: 'string', multiple: true, default: ['1', '1000'] },
    messages: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const say = (text: string) => process.stderr.write(`${text}\n`);

const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const sink = await Sink.start();
const stack = await startStack({ dataDir, ports: 'free', env: { LOG_LEVEL: 'warn' } });
try {
  const cases = [];
  for (const count of options.endpoints.map(Number)) {
    say(`${count} endpoints ...`);
    const app = await application(count);
    cases.push({ endpoints: count, ...(await measure(app, count, Number(options.messages))) });
  }
  const result = { at: new Date().toISOString(), machine: machine(), payloadBytes: PAYLOAD_BYTES, cases };
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/local-fan-out.json', `${JSON.stringify(result, null, 2)}\n`);
  const lines = cases.map(({ endpoints, acceptMs, allDeliveredMs, deliveries, lost }) =>
    [
      `${endpoints} endpoints: accept p50 ${acceptMs.p50} ms, p95 ${acceptMs.p95} ms;`,
      `accept -> all delivered p50 ${allDeliveredMs.p50} ms, p95 ${allDeliveredMs.p95} ms;`,
      `${deliveries} deliveries, ${lost} lost`,
    ].join(' '),
  );
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`);
} finally {
  await stack.stop();
  sink.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

/** One message after the other, each begun when the one before has arrived everywhere and is written. */
async function measure(app: string, endpoints: number, messages: number) {
  const load = new LoadGenerator(stack.apiUrl, stack.apiKey, app, PAYLOAD_BYTES, 1);
  await load.closedLoop(3, 1);
  await sink.collect(3 * endpoints, DRAIN_MS);
  const accepts: number[] = [];
  const spreads: number[] = [];
  let deliveries = 0;
  for (let i = 0; i < messages; i++) {
    // What is still being written about the message before would be measured with this one.
    await rest(REST_MS);
    const [sent] = await load.closedLoop(1, 1);
    const arrivals = (await sink.collect(endpoints, DRAIN_MS)).get(sent!.id) ?? [];
    accepts.push(sent!.acceptedAt - sent!.sentAt);
    spreads.push(Math.max(...arrivals) - sent!.acceptedAt);
    deliveries += arrivals.length;
  }
  await load.close();
  const lost = messages * endpoints - deliveries;
  return { acceptMs: quantiles(accepts), allDeliveredMs: quantiles(spreads), deliveries, lost };
}

async function application(endpoints: number): Promise<string> {
  const { id } = await post('/app', { name: `fan-out ${endpoints}` });
  let left = endpoints;
  const create = async () => {
    while (left-- > 0) await post(`/app/${id}/endpoint`, { url: sink.url });
  };
  await Promise.all(Array.from({ length: CREATE_AT_ONCE }, create));
  return id;
}

async function post(path: string, body: unknown): Promise<{ id: string }> {
  const headers = { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' };
  const request = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(`${stack.apiUrl}/api/v1${path}`, request);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { id: string };
}
