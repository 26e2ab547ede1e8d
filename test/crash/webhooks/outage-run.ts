import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startStack } from '../../../embedded/stack/stack.js';
import type { Stack } from '../../../embedded/stack/stack.js';
import { ApiCaller } from '../../support/api-caller.js';
import { SteadyFlow } from '../../support/steady-flow.js';
import { ArrivalLog } from './arrival-log.js';
import { revive } from './crash-run.js';
import { missingAfter } from './missing-arrivals.js';
import { storedFaults } from './stored-judge.js';

const PLAIN = '/plain';
const FLAKY = '/flaky';
const BEFORE_MS = 5000;
/** An answer that was on its way when the server died may come this much later. */
const ON_ITS_WAY_MS = 500;

export interface OutagePlan {
  server: 'temporal' | 'mongodb';
  awayMs: number;
  perSecond: number;
  /** An endpoint refuses the first try of each message; its next is so much later. */
  retrySec: number;
  /** How long to wait at the end while nothing new arrives. */
  quietMs: number;
}

export interface OutageReport {
  accepted: number;
  acceptedWhileAway: number;
  /** First tries that arrived while the server was away. */
  arrivedWhileAway: number;
  /** Answers that were no 202 while it was away, by status; 0 is no answer. */
  refused: Record<string, number>;
  refusedWithoutRetryAfter: number;
  lost: string[];
  duplicates: number;
  stored: string[];
  seconds: number;
}

/** Takes one server away under load and brings it back; what was accepted must have come in the end. */
export async function outageRun(plan: OutagePlan): Promise<OutageReport> {
  const startedMs = Date.now();
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-outage-'));
  const log = await ArrivalLog.start();
  log.refusesFirst.add(FLAKY);
  const env = { LOG_LEVEL: 'error' };
  const stack = await startStack({ dataDir, ports: 'free', autoRestart: false, env });
  try {
    const caller = new ApiCaller(stack.apiUrl, stack.apiKey);
    const { app } = await caller.target(`${log.url}${PLAIN}`);
    const flaky = await caller.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, {
      url: `${log.url}${FLAKY}`,
    });
    await caller.call('PUT', `/api/v1/app/${app}/endpoint/${flaky.body.id}/policy`, {
      body: { retrySchedule: [plan.retrySec, plan.retrySec, plan.retrySec], breaker: 'off' },
    });
    const flow = new SteadyFlow(caller, {
      app,
      perSecond: plan.perSecond,
      payload: (n) => ({ n, key: 'k' }),
    });
    await delay(BEFORE_MS);
    const { fromMs, untilMs } = await away(stack, plan);
    await delay(BEFORE_MS);
    await flow.stop();
    const within = (atMs: number) => atMs > fromMs + ON_ITS_WAY_MS && atMs < untilMs;
    const expected = [...flow.accepted.keys()].flatMap((id) => [`${id} ${PLAIN}`, `${id} ${FLAKY}`]);
    const lost = await missingAfter(log, expected, plan.quietMs);
    const refused = flow.refusals.filter(({ atMs }) => within(atMs));
    const arrivals = [...log.byPath.values()].flat();
    return {
      accepted: flow.accepted.size,
      acceptedWhileAway: [...flow.accepted.values()].filter(within).length,
      arrivedWhileAway: (log.byPath.get(PLAIN) ?? []).filter(({ atMs }) => within(atMs)).length,
      refused: counts(refused.map(({ status }) => status)),
      refusedWithoutRetryAfter: refused.filter((one) => one.status !== 0 && one.retryAfter === null).length,
      lost,
      duplicates: arrivals.length - (expected.length - lost.length),
      stored: await storedFaults(stack.mongodbUrl),
      seconds: Math.round((Date.now() - startedMs) / 1000),
    };
  } finally {
    await stack.stop();
    log.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function away(stack: Stack, { server, awayMs }: OutagePlan) {
  const names = Object.keys(stack.pids());
  await stack.kill(server);
  const fromMs = Date.now();
  await delay(awayMs);
  const untilMs = Date.now();
  await stack.restart(server);
  // What could not do without the server is started again, as supervision does.
  await revive(stack, names);
  return { fromMs, untilMs };
}

function counts(values: readonly number[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const value of values) found[value] = (found[value] ?? 0) + 1;
  return found;
}
