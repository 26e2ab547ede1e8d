// The embedded MongoDB server under the official driver, both on this machine, every write on the disk.
// npm run bench:mongodb [-- --json] [--documents 1000000] [--rounds 5] [--compare | --save-baseline]
// With --compare it ends with 1 if a case costs the server over 15 % more than in baseline.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import mongoose from 'mongoose';
import { cpuSeconds, machine } from '../machine.js';
import { median } from '../quantiles.js';
import { compared, saveBaseline } from './baseline.js';
import { CASES, IN_FLIGHT, fill, inFlight } from './cases.js';
import type { Case, CaseContext, Doc } from './cases.js';
import { Readers } from './readers.js';
import { ServerProcess } from './server-process.js';

const { values: options } = parseArgs({
  options: {
    documents: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    compare: { type: 'boolean', default: false },
    'save-baseline': { type: 'boolean', default: false },
  },
});

/** Between two rounds of a case. */
const PINGS = 3_000;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Figure {
  name: string;
  unit: string;
  bar: number;
  /** Median of the rounds. */
  value: number;
  met: boolean;
  /** Processor time per unit in the server and in the drivers, in microseconds, median of the rounds. */
  serverMicros?: number;
  driverMicros?: number;
  /** The server's time in pings measured between the rounds, see baseline.ts. */
  pings?: number;
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
  for (let warmUp = 0; warmUp < 3; warmUp += 1) await secondsOfPings(client);
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
  const pings = Object.fromEntries(figures.flatMap((one) => (one.pings ? [[one.name, one.pings]] : [])));
  if (options['save-baseline'])
    saveBaseline({ from: { at: result.at, ...result.machine }, documents: count, pings });
  if (options.compare) {
    const { lines, met } = compared({ documents: count, pings });
    process.stdout.write(`${lines.join('\n')}\n`);
    process.exitCode = met ? 0 : 1;
  }
} finally {
  await server.stop();
}

async function measure(
  one: Case,
  contextOf: (round: number) => CaseContext,
  readers: number[],
): Promise<Figure> {
  const rounds: { rate: number; server: number; driver: number }[] = [];
  let pingSeconds = 0;
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const context = contextOf(round);
    pingSeconds += await secondsOfPings(context.client);
    const before = cpuTimes(readers);
    const started = performance.now();
    const units = await one.run(context);
    const rate = (units / (performance.now() - started)) * 1000;
    const after = cpuTimes(readers);
    const each = (seconds: number): number => (seconds / units) * 1e6;
    rounds.push({
      rate,
      server: each(after.server - before.server),
      driver: each(after.driver - before.driver),
    });
  }
  const rate = median(rounds.map((round) => round.rate));
  const serverMicros = median(rounds.map(({ server: micros }) => micros));
  const value = one.unit === 'ms' ? Math.round(1e5 / rate) / 100 : Math.round(rate);
  const pingMicros = (pingSeconds / (PINGS * rounds.length)) * 1e6;
  return {
    name: one.name,
    unit: one.unit,
    bar: one.bar,
    value,
    met: one.unit === 'ms' ? value <= one.bar : value >= one.bar,
    serverMicros: rounded(serverMicros, 10),
    driverMicros: rounded(median(rounds.map(({ driver }) => driver)), 10),
    pings: rounded(serverMicros / pingMicros, 1_000),
  };
}

/** Processor seconds of the server for `PINGS` pings. */
async function secondsOfPings(client: mongoose.mongo.MongoClient): Promise<number> {
  const admin = client.db('admin');
  const before = cpuTimes([]).server;
  await inFlight(PINGS, IN_FLIGHT, () => admin.command({ ping: 1 }));
  return cpuTimes([]).server - before;
}

function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}

function ceiling(name: string, unit: string, bar: number, value: number): Figure {
  return { name, unit, bar, value, met: value <= bar };
}

function cpuTimes(readers: number[]): { server: number; driver: number } {
  const drivers = Object.fromEntries([process.pid, ...readers].map((pid) => [`driver ${pid}`, pid]));
  const { server: own = Number.NaN, ...others } = cpuSeconds({ server: server.pid, ...drivers });
  return { server: own, driver: Object.values(others).reduce((sum, seconds) => sum + seconds, 0) };
}

function table({ figures }: { figures: Figure[] }): string {
  const header = ['case', 'measured', 'bar', '', 'server CPU us', 'in pings', 'driver CPU us'];
  const rows = figures.map(({ name, value, unit, bar, met, serverMicros, pings, driverMicros }) => {
    const numbers = [`${value} ${unit}`, String(bar), met ? 'met' : 'MISSED'];
    return [name, ...numbers, ...[serverMicros, pings, driverMicros].map((one) => String(one ?? ''))];
  });
  const all = [header, ...rows];
  const widths = header.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: string[]): string =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ');
  return all.map(line).join('\n');
}
