import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mongoose from 'mongoose';
import { startStack } from '../../../embedded/stack/stack.js';
import type { Stack } from '../../../embedded/stack/stack.js';
import { ApiCaller } from '../../support/api-caller.js';
import { SteadyFlow } from '../../support/steady-flow.js';
import { ArrivalLog } from './arrival-log.js';
import { missingAfter } from './missing-arrivals.js';

const PATH = '/plain';
const PER_SECOND = 40;
const FLOW_MS = 15_000;
/** A receiver that takes this long has both workers find a delivery that is on its way. */
const ANSWER_MS = 100;
const WORKERS = ['worker', 'worker-2'];

export interface TwoWorkersReport {
  accepted: number;
  lost: number;
  /** Deliveries that both workers have sent, though nothing was killed. */
  overlaps: number;
  /** Arrivals beyond the first of each message. */
  duplicates: number;
}

/**
 * Two workers serve the same lanes while Temporal is away, so that nothing but the lease of a lane stands between
 * them. Without its check they must be seen to overlap, or the judge cannot see it at all.
 */
export async function twoWorkers(options: { leaseCheck: 'on' | 'off' }): Promise<TwoWorkersReport> {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-crash-'));
  const log = await ArrivalLog.start();
  log.slow.set(PATH, ANSWER_MS);
  const env = { LOG_LEVEL: 'fatal', WEBHOOK_LEASE_CHECK: options.leaseCheck };
  const stack = await startStack({ dataDir, ports: 'free', autoRestart: false, workers: 2, env });
  try {
    const caller = new ApiCaller(stack.apiUrl, stack.apiKey);
    const { app } = await caller.target(`${log.url}${PATH}`);
    await withoutTemporal(stack);
    const flow = new SteadyFlow(caller, { app, perSecond: PER_SECOND, payload: (n) => ({ n, key: 'k' }) });
    await delay(FLOW_MS);
    await flow.stop();
    const expected = [...flow.accepted.keys()].map((id) => `${id} ${PATH}`);
    const lost = await missingAfter(log, expected, 60_000);
    const arrivals = log.byPath.get(PATH)?.length ?? 0;
    return {
      accepted: flow.accepted.size,
      lost: lost.length,
      overlaps: await sentByTwo(stack.mongodbUrl),
      duplicates: arrivals - (expected.length - lost.length),
    };
  } finally {
    await stack.stop();
    log.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Started without Temporal, workers serve lanes at once; resolves when both have come up. */
async function withoutTemporal(stack: Stack): Promise<void> {
  await stack.kill('temporal');
  await Promise.all(WORKERS.map((name) => stack.kill(name)));
  // They are not ready by the measure of the supervisor, which is that they poll Temporal.
  for (const name of WORKERS) void stack.restart(name).catch(() => undefined);
  const client = await mongoose.mongo.MongoClient.connect(stack.mongodbUrl);
  try {
    const lanes = client.db('holdfast').collection<{ _id: string; owner: string | null }>('wh_lanes');
    const pids = () => WORKERS.map((name) => String(stack.pids()[name]));
    while (!pids().includes((await lanes.findOne({ _id: 'p0' }))?.owner?.split('/').at(-2) ?? ''))
      await delay(50);
  } finally {
    await client.close();
  }
}

async function sentByTwo(mongodbUrl: string): Promise<number> {
  const client = await mongoose.mongo.MongoClient.connect(mongodbUrl);
  try {
    const attempts = client.db('holdfast').collection<{ dlv: string; worker: string }>('wh_attempts');
    const workers = new Map<string, Set<string>>();
    for await (const { dlv, worker } of attempts.find({}, { projection: { dlv: 1, worker: 1 } }))
      workers.set(dlv, (workers.get(dlv) ?? new Set()).add(worker));
    return [...workers.values()].filter(({ size }) => size > 1).length;
  } finally {
    await client.close();
  }
}
