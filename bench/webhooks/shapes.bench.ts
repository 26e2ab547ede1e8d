// Delivered webhooks per second by the shape in which Temporal drives them: our dispatcher of a lane, a workflow for each
// delivery, a standalone activity for each. Same sender, same writes, same servers, in turn in one run.
// npm run bench:shapes [-- --messages 500] [--runs 3]
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { parseArgs } from 'node:util';
import { DeliverySide, servers } from '../../test/support/delivery-side.js';
import { temporalWorkers } from '../../test/support/temporal-worker.js';
import { cpuSeconds, machine } from '../machine.js';
import { quantiles, round } from '../quantiles.js';
import { ParkedDeliveries } from './shapes/parked-deliveries.js';
import { Shapes } from './shapes/shapes.js';
import type { Shape } from './shapes/shapes.js';
import { Sink } from './sink.js';

const DRAIN_MS = 120_000;
const WARM_UP = 100;
/** The gRPC status of what a server lacks or has switched off. */
const UNIMPLEMENTED = 12;
const BODY = JSON.stringify({ text: 'x'.repeat(1_024 - '{"text":""}'.length) });

interface Figure {
  perSecond: number;
  /**
   * Seconds of the processor for 1,000 deliveries: of everything but the receiver, and of the Temporal server; of a
   * server that was there before (TEMPORAL_ADDRESS) neither is known.
   */
  cpu: number;
  temporalCpu: number;
  /** Percent that the worker got with the answer to the start; it needs a free slot for that. */
  eager: number;
  duplicates: number;
}

const { values: options } = parseArgs({
  options: { messages: { type: 'string', default: '500' }, runs: { type: 'string', default: '3' } },
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const { stack, end } = await servers();
const sink = await Sink.start();
const side = await DeliverySide.open(stack);
const services = side.services();
const workers = await temporalWorkers(side, stack.temporalAddress, services);
const shapes = await Shapes.open(stack.temporalAddress, side.temporal.client, services);
try {
  const figures = new Map<string, Figure[]>();
  const refused = new Map<string, string>();
  for (const shape of shapes.all) {
    const reason = await refusal(shape);
    if (reason === null) figures.set(shape.name, []);
    else refused.set(shape.name, reason);
  }
  for (let run = 1; run <= Number(options.runs); run++)
    for (const shape of shapes.all) {
      const figure = refused.has(shape.name) ? null : await measure(shape, Number(options.messages));
      if (figure === null) continue;
      figures.get(shape.name)?.push(figure);
      say(`run ${run}: ${shape.name}: ${figure.perSecond}/s`);
    }
  process.stdout.write(`${JSON.stringify(machine())}\n${table(figures, refused)}\n`);
} finally {
  await shapes.close();
  await workers.stop();
  await services.lanes.settled();
  await services.statistics.close();
  await services.sandbox.close();
  await services.sender.close();
  await side.close();
  sink.stop();
  await end();
}

/** Warms the shape up. @returns why the server does not offer it; null when it does */
async function refusal(shape: Shape): Promise<string | null> {
  try {
    await measure(shape, WARM_UP);
    return null;
  } catch (error) {
    const cause = error instanceof ServiceError ? error.cause : null;
    if (!isGrpcServiceError(cause) || cause.code !== UNIMPLEMENTED) throw error;
    return cause.details;
  }
}

/** From the first call until the receiver has the last one; the results are awaited before the next begins. */
async function measure(shape: Shape, messages: number): Promise<Figure> {
  const parked = await ParkedDeliveries.store(side, sink.url, messages, BODY);
  const before = usage();
  const startedAt = performance.timeOrigin + performance.now();
  const eagerly = await shape.start(parked);
  const arrivals = await sink.collect(messages, DRAIN_MS);
  await parked.untilDelivered(DRAIN_MS);
  const after = usage();
  const missing = parked.ids.filter((id) => !arrivals.has(id)).length;
  if (missing > 0) throw new Error(`${shape.name}: ${missing} of ${messages} did not arrive`);
  const requests = [...arrivals.values()].flat();
  const lastAt = Math.max(...[...arrivals.values()].map((times) => times[0] ?? Number.NaN));
  const per1000 = (seconds: number) => round((seconds * 1_000) / messages);
  return {
    perSecond: round((messages * 1_000) / (lastAt - startedAt)),
    cpu: per1000(after.all - before.all),
    temporalCpu: per1000(after.temporal - before.temporal),
    eager: Math.round((eagerly * 100) / messages),
    duplicates: requests.length - arrivals.size,
  };
}

function usage(): { all: number; temporal: number } {
  const seconds = cpuSeconds({ ...stack.pids(), worker: process.pid });
  return {
    all: Object.values(seconds).reduce((sum, one) => sum + one, 0),
    temporal: seconds['temporal'] ?? Number.NaN,
  };
}

function table(figures: Map<string, Figure[]>, refused: Map<string, string>): string {
  const median = (values: number[]) => quantiles(values).p50;
  const rows = [
    ['shape', 'delivered/s', 'lowest', 'highest', 'cpu s/1000', 'Temporal s/1000', 'eager %', 'duplicates'],
    ...[...figures].map(([name, runs]) => {
      const rates = runs.map(({ perSecond }) => perSecond);
      return [
        ...[name, median(rates), Math.min(...rates), Math.max(...rates)],
        ...[median(runs.map(({ cpu }) => cpu)), median(runs.map(({ temporalCpu }) => temporalCpu))],
        median(runs.map(({ eager }) => eager)),
        runs.reduce((sum, { duplicates }) => sum + duplicates, 0),
      ].map(String);
    }),
    ...[...refused].map(([name, reason]) => [name, `not offered by this server: ${reason}`]),
  ];
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.filter(({ length }) => length > 2).map((row) => row[column]!.length)),
  );
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}
