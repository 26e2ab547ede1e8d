import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { startStack } from '../../../embedded/stack/stack.js';
import type { CrashPoint } from '../../../src/platform/crash-point.js';
import { ApiCaller } from '../../support/api-caller.js';
import { until } from '../../support/until.js';
import { ArrivalLog } from './arrival-log.js';
import { revive } from './crash-run.js';
import { missingAfter } from './missing-arrivals.js';
import { storedFaults } from './stored-judge.js';

const APPLICATIONS = 400;
const AT_ONCE = 16;
/** Fifty applications are a page; this many are done when the worker is to die in the next one. */
const PAGES_BEFORE = 2;
/** Met by the worker, too: the messages of a page are stored, the page is not closed. */
const POINT: CrashPoint = 'message_stored';
const BROADCAST = { eventType: 'crash.test', payload: { text: 'maintenance', key: 'all' } };

export interface BroadcastReport {
  applications: number;
  /** Applications that had their message when worker and API died. */
  madeBefore: number;
  /** Whether the request, repeated after the death, was answered with the same task. */
  sameTask: boolean;
  /** Messages the finished task says it made. */
  counted: number;
  /** Applications that no message came for. */
  without: string[];
  /** Applications that different messages came for. */
  twice: string[];
  /** Arrivals beyond the first of a message. */
  duplicates: number;
  stored: string[];
  seconds: number;
}

/**
 * Worker and API are killed in the middle of a broadcast and started again. Judged by what came to the applications.
 * @param options.keys `gone`: the messages made before the death lose the key by which they would be found again
 */
export async function broadcastRun(options: { keys: 'kept' | 'gone' }): Promise<BroadcastReport> {
  const startedMs = Date.now();
  const [dataDir, points] = ['holdfast-crash-', 'holdfast-crash-points-'].map((name) =>
    mkdtempSync(join(tmpdir(), name)),
  ) as [string, string];
  const log = await ArrivalLog.start();
  const env = { LOG_LEVEL: 'fatal', HOLDFAST_CRASH_POINTS: points };
  const stack = await startStack({ dataDir, ports: 'free', autoRestart: false, env });
  const client = await mongoose.mongo.MongoClient.connect(stack.mongodbUrl);
  try {
    const store = client.db('holdfast');
    const messages = store.collection<{ _id: string; app: string; ik?: string }>('wh_messages');
    const tasks = store.collection<{ _id: string; page: number; state: string; counted: number }>('wh_tasks');
    const caller = new ApiCaller(stack.apiUrl, stack.apiKey);
    const pathOf = await targets(caller, log);
    const send = () =>
      caller.call<{ id: string }>('POST', '/api/v1/msg/broadcast', {
        ...{ body: BROADCAST, idempotencyKey: 'broadcast' },
      });
    const { id } = (await send()).body;
    await until(
      () => tasks.findOne({ _id: id }),
      (task) => task!.page >= PAGES_BEFORE,
      20_000,
      1,
    );
    writeFileSync(join(points, POINT), '');
    await until(
      () => Promise.resolve(stack.pids()),
      (pids) => pids['worker'] === undefined,
      20_000,
      1,
    );
    await stack.kill('api');
    const madeBefore = (await messages.distinct('app', { app: { $in: [...pathOf.keys()] } })).length;
    if (options.keys === 'gone') await messages.updateMany({}, { $unset: { ik: '' } });
    await revive(stack, ['worker', 'api']);
    const again = await send();
    const { counted } = (await until(
      () => tasks.findOne({ _id: id }),
      (task) => task!.state === 'finished',
      60_000,
    ))!;
    const made = await messages.find({}, { projection: { app: 1 } }).toArray();
    await missingAfter(
      log,
      made.map((row) => `${row._id} ${pathOf.get(row.app)}`),
      40_000,
    );
    return {
      ...{ applications: APPLICATIONS, madeBefore, sameTask: again.body.id === id, counted },
      ...judged(log, pathOf.values()),
      stored: await storedFaults(stack.mongodbUrl),
      seconds: Math.round((Date.now() - startedMs) / 1000),
    };
  } finally {
    await client.close();
    await stack.stop();
    log.end();
    for (const folder of [dataDir, points]) rmSync(folder, { recursive: true, force: true });
  }
}

/** Applications with an endpoint each. @returns the path that an application's messages come to */
async function targets(caller: ApiCaller, log: ArrivalLog): Promise<Map<string, string>> {
  const paths = Array.from({ length: APPLICATIONS }, (_, n) => `/app-${n}`);
  const rest = [...paths];
  const pathOf = new Map<string, string>();
  const create = async (): Promise<void> => {
    for (let path = rest.pop(); path !== undefined; path = rest.pop())
      pathOf.set((await caller.target(`${log.url}${path}`)).app, path);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, create));
  return pathOf;
}

function judged(log: ArrivalLog, paths: Iterable<string>) {
  const without: string[] = [];
  const twice: string[] = [];
  let duplicates = 0;
  for (const path of paths) {
    const arrivals = log.byPath.get(path) ?? [];
    const messages = new Set(arrivals.map(({ id }) => id)).size;
    if (messages === 0) without.push(path);
    if (messages > 1) twice.push(path);
    duplicates += arrivals.length - messages;
  }
  return { without, twice, duplicates };
}
