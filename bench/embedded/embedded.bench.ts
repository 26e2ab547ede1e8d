// The embedded MongoDB server under the official driver, both on this machine, every write on the disk.
// npm run bench:mongodb [-- --json] [--documents 1000000] [--rounds 5]
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import mongoose from 'mongoose';
import { cpuSeconds, machine } from '../machine.js';
import { CASES, IN_FLIGHT, fill } from './cases.js';
import type { Case, CaseContext, Doc } from './cases.js';
import { Readers } from './readers.js';
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
  met: boolean;
  /** Processor time per unit in the server and in the drivers, in microseconds: what a quieter machine would divide by. */
  serverMicros?: number;
  driverMicros?: number;
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
  await docs.createIndex({ tenant: 1, at: 1 });
  const readers = await Readers.start(server.uri, IN_FLIGHT);
  const figures: Figure[] = [];
  for (const one of CASES) {
    say(`${one.name} ...`);
    figures.push(await measure(one, (round) => ({ client, docs, readers, count, round }), readers.pids));
  }
  readers.stop();
  figures.push(
    ceiling('memory after the cases', 'MiB', 400, server.residentMiB()),
    ceiling('memory idle', 'MiB', 120, idleMiB),
    ceiling('start, empty', 'ms', 500, Math.round(server.startMs)),
  );
  const result = {
    at: new Date().toISOString(),
    machine: machine(),
    documents: count,
    figures,
  };
  await client.close();
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/local-embedded.json', `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${table(result)}\n`);
} finally {
  await server.stop();
}

async function measure(
  one: Case,
  contextOf: (round: number) => CaseContext,
  readers: number[],
): Promise<Figure> {
  const rates: number[] = [];
  const before = cpuTimes(readers);
  let units = 0;
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const started = performance.now();
    const done = await one.run(contextOf(round));
    rates.push((done / (performance.now() - started)) * 1000);
    units += done;
  }
  const after = cpuTimes(readers);
  const rate = median(rates);
  const value = one.unit === 'ms' ? Math.round(1e5 / rate) / 100 : Math.round(rate);
  return {
    name: one.name,
    unit: one.unit,
    bar: one.bar,
    value,
    met: one.unit === 'ms' ? value <= one.bar : value >= one.bar,
    serverMicros: micros(after.server - before.server, units),
    driverMicros: micros(after.driver - before.driver, units),
  };
}

function ceiling(name: string, unit: string, bar: number, value: number): Figure {
  return { name, unit, bar, value, met: value <= bar };
}

function cpuTimes(readers: number[]): { server: number; driver: number } {
  const drivers = Object.fromEntries([process.pid, ...readers].map((pid) => [`driver ${pid}`, pid]));
  const { server: own = Number.NaN, ...others } = cpuSeconds({ server: server.pid, ...drivers });
  return { server: own, driver: Object.values(others).reduce((sum, seconds) => sum + seconds, 0) };
}

function micros(seconds: number, units: number): number {
  return Math.round((seconds / units) * 1e7) / 10;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function table({ figures }: { figures: Figure[] }): string {
  const header = ['case', 'measured', 'bar', '', 'server CPU us', 'driver CPU us'];
  const rows = figures.map(({ name, value, unit, bar, met, serverMicros, driverMicros }) => {
    const numbers = [`${value} ${unit}`, String(bar), met ? 'met' : 'MISSED'];
    return [name, ...numbers, String(serverMicros ?? ''), String(driverMicros ?? '')];
  });
  const all = [header, ...rows];
  const widths = header.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: string[]): string =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ');
  return all.map(line).join('\n');
}
