import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startStack } from '../../../embedded/stack/stack.js';
import { ApiCaller } from '../../support/api-caller.js';
import { SteadyFlow } from '../../support/steady-flow.js';
import { inversions } from './arrival-judge.js';
import { ArrivalLog } from './arrival-log.js';
import { missingAfter } from './missing-arrivals.js';
import { storedFaults } from './stored-judge.js';

const [QUICK, SLOW, ORDERED] = ['/quick', '/slow', '/ordered'] as const;
/** Longer than a worker waits when it leaves a lane: these tries outlast it. */
const SLOW_MS = 1500;
const IN_TURN = ['worker', 'api', 'worker-2'];
const BETWEEN_MS = 2000;

export interface RollingReport {
  restarts: number;
  accepted: number;
  lost: string[];
  duplicates: number;
  inversions: string[];
  stored: string[];
  seconds: number;
}

/** Every process of ours is ended by SIGTERM and started again, one after the other, while messages flow. */
export async function rollingRestart(plan: { rounds: number; perSecond: number }): Promise<RollingReport> {
  const startedMs = Date.now();
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-rolling-'));
  const log = await ArrivalLog.start();
  log.slow.set(SLOW, SLOW_MS);
  const env = { LOG_LEVEL: 'error' };
  const stack = await startStack({ dataDir, ports: 'free', autoRestart: false, workers: 2, env });
  try {
    const caller = new ApiCaller(stack.apiUrl, stack.apiKey);
    const { app } = await caller.target(`${log.url}${QUICK}`);
    for (const [path, policy] of [
      [SLOW, { concurrency: 200 }],
      [ORDERED, { fifo: { by: { key: '/key' } } }],
    ] as const) {
      const { body } = await caller.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, {
        url: `${log.url}${path}`,
      });
      await caller.call('PUT', `/api/v1/app/${app}/endpoint/${body.id}/policy`, { body: policy });
    }
    const { perSecond } = plan;
    const flow = new SteadyFlow(caller, { app, perSecond, payload: (n) => ({ n, key: `k${n % 10}` }) });
    let restarts = 0;
    for (let round = 0; round < plan.rounds; round++) {
      for (const name of IN_TURN) {
        await delay(BETWEEN_MS);
        await stack.kill(name, 'SIGTERM');
        await stack.restart(name);
        restarts++;
      }
    }
    await delay(BETWEEN_MS);
    await flow.stop();
    const paths = [QUICK, SLOW, ORDERED];
    const expected = [...flow.accepted.keys()].flatMap((id) => paths.map((path) => `${id} ${path}`));
    const lost = await missingAfter(log, expected, 60_000);
    const arrivals = [...log.byPath.values()].flat();
    return {
      restarts,
      accepted: flow.accepted.size,
      lost,
      duplicates: arrivals.length - (expected.length - lost.length),
      inversions: inversions(log.byPath.get(ORDERED) ?? []),
      stored: await storedFaults(stack.mongodbUrl),
      seconds: Math.round((Date.now() - startedMs) / 1000),
    };
  } finally {
    await stack.stop();
    log.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
