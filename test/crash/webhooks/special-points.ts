import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mongoose from 'mongoose';
import { startStack } from '../../../embedded/stack/stack.js';
import type { Stack } from '../../../embedded/stack/stack.js';
import { CRASH_POINTS } from '../../../src/platform/crash-point.js';
import type { CrashPoint } from '../../../src/platform/crash-point.js';
import { ApiCaller } from '../../support/api-caller.js';
import { SteadyFlow } from '../../support/steady-flow.js';
import { until } from '../../support/until.js';
import { duplicatesByKill, inversions } from './arrival-judge.js';
import type { Kill } from './arrival-judge.js';
import { ArrivalLog } from './arrival-log.js';
import { unseenAttempts } from './attempt-judge.js';
import { revive } from './crash-run.js';
import { arrivedAt, missingAfter } from './missing-arrivals.js';
import { ORDERED, PLAIN, SpecialTargets } from './special-targets.js';
import { storedFaults } from './stored-judge.js';

const PER_SECOND = 10;
const MET_WITHIN_MS = 60_000;
/** Until another worker has the lane of a dead one and sends what it finds there. */
const REPEATED_WITHIN_MS = 60_000;

export interface PointReport {
  point: CrashPoint;
  /** The process that died there. */
  died: string;
  /** Arrivals beyond the first of a message between this death and the next. */
  duplicates: number;
}

export interface SpecialReport {
  points: PointReport[];
  accepted: number;
  /** `<message> <path>` that never came. */
  lost: string[];
  /** Arrivals of messages that nobody was answered 202 for. */
  unknown: number;
  inversions: string[];
  stored: string[];
  /** Attempts that were taken, of which the receiver knows nothing. */
  unseen: string[];
  /** Arrivals that the key before the rotation does not verify. */
  unsigned: string[];
  currentKeyVerifies: boolean;
  seconds: number;
}

/** Has one process after the other die at each of the points while messages flow, and judges what came. */
export async function specialPoints(options: {
  points: readonly CrashPoint[];
  quietMs: number;
  progress?: (line: string) => void;
}): Promise<SpecialReport> {
  const started = Date.now();
  const [dataDir, folder] = ['holdfast-crash-', 'holdfast-crash-points-'].map((name) =>
    mkdtempSync(join(tmpdir(), name)),
  ) as [string, string];
  const log = await ArrivalLog.start();
  const env = { LOG_LEVEL: 'error', HOLDFAST_CRASH_POINTS: folder };
  const stack = await startStack({ dataDir, ports: 'free', autoRestart: false, workers: 2, env });
  try {
    const caller = new ApiCaller(stack.apiUrl, stack.apiKey);
    const targets = await SpecialTargets.create(caller, log);
    const flow = new SteadyFlow(caller, {
      app: targets.app,
      perSecond: PER_SECOND,
      payload: (n) => ({ n, key: `k${n % 10}` }),
    });
    const deaths: (Kill & { point: CrashPoint })[] = [];
    for (const point of options.points) {
      const death = await deathAt(point, { folder, stack, targets });
      options.progress?.(`${death.victim} died at ${point}`);
      deaths.push(death);
      // What came again must not be counted with the next death.
      if (REPEATS.includes(point))
        await until(
          async () => byPoint(log, deaths).at(-1)!.duplicates,
          (duplicates) => duplicates > 0,
          REPEATED_WITHIN_MS,
        );
    }
    await flow.stop();
    const expected = [
      ...[...flow.accepted.keys()].flatMap((id) => [`${id} ${PLAIN}`, `${id} ${ORDERED}`]),
      ...targets.replayed,
      ...targets.moved,
    ];
    const lost = await missingAfter(log, expected, options.quietMs);
    const idOf = (line: string) => line.slice(0, line.indexOf(' '));
    const known = new Set(expected.map(idOf));
    const unsigned = [...targets.unsigned];
    const figures = {
      points: byPoint(log, deaths),
      accepted: flow.accepted.size,
      lost,
      unknown: [...arrivedAt(log)].filter((line) => !known.has(idOf(line))).length,
      inversions: inversions(log.byPath.get(ORDERED) ?? []),
      unseen: await unseenAttempts(stack.mongodbUrl, log.byPath),
      stored: await storedFaults(stack.mongodbUrl),
    };
    const currentKeyVerifies = await targets.currentKeyVerifies();
    return { ...figures, unsigned, currentKeyVerifies, seconds: Math.round((Date.now() - started) / 1000) };
  } finally {
    await stack.stop();
    log.end();
    for (const path of [dataDir, folder]) rmSync(path, { recursive: true, force: true });
  }
}

/** Points at which the receiver has taken a delivery and the store does not know: it is made again. */
const REPEATS: CrashPoint[] = ['receiver_answered', 'attempts_stored'];

/** What is wrong with a report; empty when nothing is. */
export function specialFaults({ points, currentKeyVerifies, ...report }: SpecialReport): string[] {
  const none = { lost: [], unknown: 0, inversions: [], stored: [], unseen: [], unsigned: [] };
  const found = Object.entries(none).flatMap(([name, good]) => {
    const got = report[name as keyof typeof none];
    return JSON.stringify(got) === JSON.stringify(good) ? [] : [`${name}: ${JSON.stringify(got)}`];
  });
  for (const { point, died, duplicates } of points) {
    const dies = CRASH_POINTS[point].startsWith('api') ? 'api' : 'worker';
    if (!died.startsWith(dies)) found.push(`${point}: ${died} died, expected ${dies}`);
    if (REPEATS.includes(point) && duplicates === 0) found.push(`${point}: nothing came twice`);
  }
  return currentKeyVerifies ? found : [...found, 'the current key does not verify'];
}

interface Scene {
  folder: string;
  stack: Stack;
  targets: SpecialTargets;
}

async function deathAt(point: CrashPoint, { folder, stack, targets }: Scene) {
  const names = Object.keys(stack.pids());
  const before = stack.pids();
  // What leads to the point, unless the flow does. It may itself have to wait for the process to be started again.
  const lead = async (): Promise<void> => {
    if (point === 'endpoint_written') return targets.rotate();
    if (point === 'replay_planned' || point === 'replay_applied') return targets.recover();
    if (point === 'lane_rows_moved') return targets.move();
    if (point === 'lane_parked' || point === 'lane_taken')
      return stack.kill(await laneOwner(stack), 'SIGTERM');
  };
  writeFileSync(join(folder, point), '');
  const leading = lead();
  leading.catch(() => undefined);
  const deadline = Date.now() + MET_WITHIN_MS;
  const gone = () => names.filter((name) => stack.pids()[name] !== before[name]);
  while (existsSync(join(folder, point)) || gone().length === 0) {
    if (Date.now() > deadline) throw new Error(`no process came by ${point} within ${MET_WITHIN_MS} ms`);
    await delay(20);
  }
  const atMs = Date.now();
  const victim = gone().join('+');
  await revive(stack, names);
  await leading;
  await revive(stack, names);
  return { point, victim, atMs };
}

/** The process that owns a shared lane: the pid stands in the owner's name. */
async function laneOwner(stack: Stack): Promise<string> {
  const client = await mongoose.mongo.MongoClient.connect(stack.mongodbUrl);
  try {
    const lanes = client.db('holdfast').collection<{ _id: string; owner: string | null }>('wh_lanes');
    for (;;) {
      const pid = Number((await lanes.findOne({ _id: 'p0' }))?.owner?.split('/').at(-2));
      const owner = Object.entries(stack.pids()).find(([, each]) => each === pid);
      if (owner !== undefined) return owner[0];
      await delay(100);
    }
  } finally {
    await client.close();
  }
}

function byPoint(log: ArrivalLog, deaths: (Kill & { point: CrashPoint })[]): PointReport[] {
  const rows = duplicatesByKill(log.byPath.values(), deaths);
  return rows.map(({ victim, duplicates }, n) => ({ point: deaths[n]!.point, died: victim, duplicates }));
}
