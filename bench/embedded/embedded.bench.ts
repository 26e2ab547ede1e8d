// The embedded MongoDB server under the official driver, both on this machine, fsync on.
// npm run bench:mongodb [-- --json] [--documents 1000000] [--rounds 5]
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import mongoose from 'mongoose';
import { cpuSeconds, machine } from '../machine.js';
import { CASES, IN_FLIGHT, fill } from './cases.js';
import type { Case, CaseContext, Doc } from './cases.js';
import { ServerProcess } from './server-process.js';

const { values: options } = parseArgs({
  options: {
    documents: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Figure {
  name: string;
  unit: string;
  bar: number;
  /** Median of the rounds. */
  value: number;
  /** Processor time per unit in the server and in the driver, in microseconds: what a quieter machine would divide by. */
  serverMicros: number;
  driverMicros: number;
}

const server = await ServerProcess.start();
try {
  const idleMiB = server.residentMiB();
  const client = await new mongoose.mongo.MongoClient(server.uri, { maxPoolSize: IN_FLIGHT }).connect();
  const docs = client.db('bench').collection<Doc>('docs');
  const count = Number(options.documents);
  say(`filling ${count} documents ...`);
  await fill(docs, count);
  await docs.createIndex({ key: 1 });
  const figures: Figure[] = [];
  for (const one of CASES) {
    say(`${one.name} ...`);
    figures.push(await measure(one, (round) => ({ client, docs, count, round })));
  }
  const result = {
    at: new Date().toISOString(),
    machine: machine(),
    documents: count,
    startMs: Math.round(server.startMs),
    idleMiB,
    loadedMiB: server.residentMiB(),
    figures,
  };
  await client.close();
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/local-embedded.json', `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${table(result)}\n`);
} finally {
  await server.stop();
}

async function measure(one: Case, contextOf: (round: number) => CaseContext): Promise<Figure> {
  const rates: number[] = [];
  const before = cpuTimes();
  let units = 0;
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const started = performance.now();
    const done = await one.run(contextOf(round));
    rates.push((done / (performance.now() - started)) * 1000);
    units += done;
  }
  const after = cpuTimes();
  return {
    name: one.name,
    unit: one.unit,
    bar: one.bar,
    value: Math.round(median(rates)),
    serverMicros: micros(after.server - before.server, units),
    driverMicros: micros(after.driver - before.driver, units),
  };
}

function cpuTimes(): { server: number; driver: number } {
  const { server: own = Number.NaN, driver = Number.NaN } = cpuSeconds({
    server: server.pid,
    driver: process.pid,
  });
  return { server: own, driver };
}

function micros(seconds: number, units: number): number {
  return Math.round((seconds / units) * 1e7) / 10;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function table(result: { startMs: number; idleMiB: number; loadedMiB: number; figures: Figure[] }): string {
  const rows = result.figures.map(
    ({ name, value, bar, unit, serverMicros, driverMicros }) =>
      `${name.padEnd(64)}${String(value).padStart(9)} (bar ${bar}) ${unit}, CPU us: server ${serverMicros}, driver ${driverMicros}`,
  );
  const { startMs, idleMiB, loadedMiB } = result;
  return [...rows, `start ${startMs} ms, idle ${idleMiB} MiB, after the cases ${loadedMiB} MiB`].join('\n');
}
