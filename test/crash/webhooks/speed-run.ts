import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startStack } from '../../../embedded/stack/stack.js';
import type { Stack } from '../../../embedded/stack/stack.js';
import { ApiCaller } from '../../support/api-caller.js';
import { seededRandom } from '../../support/seeded-random.js';
import { duplicatesByKill, inversions } from './arrival-judge.js';
import type { Kill, KillRow } from './arrival-judge.js';
import { ArrivalLog } from './arrival-log.js';
import { revive } from './crash-run.js';
import type { Victim } from './crash-run.js';
import { storedFaults } from './stored-judge.js';

const CONNECTIONS = 64;
const KEYS = 50;
const PLAIN = '/plain';
const ORDERED = '/ordered';
const VICTIMS: Victim[] = ['api', 'worker', 'mongodb', 'temporal', 'everything'];

export interface SpeedPlan {
  kills: number;
  /** Shared out among the kills: each kill falls into a burst that is sent as fast as it is taken. */
  messages: number;
  /** Pause before a burst, random between these. */
  pauseMs: readonly [number, number];
  /** How long to wait at the end while nothing new arrives. */
  quietMs: number;
  seed: number;
  env?: NodeJS.ProcessEnv;
  progress?: (line: string) => void;
}

export interface SpeedReport {
  accepted: number;
  /** Accepted and missing at the plain endpoint or at the one that keeps order. */
  lost: string[];
  /** Arrived and never accepted. */
  unknown: number;
  inversions: string[];
  kills: KillRow[];
  stored: string[];
  /** Of the bursts, kills and restarts included. */
  acceptedPerSec: number;
  seconds: number;
}

/** Bursts of messages to two endpoints, one of which keeps the order of each key; a kill in each burst. */
export async function speedRun(plan: SpeedPlan): Promise<SpeedReport> {
  const started = Date.now();
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-crash-'));
  const log = await ArrivalLog.start();
  const env = { LOG_LEVEL: 'error', ...plan.env };
  const stack = await startStack({ dataDir, ports: 'free', autoRestart: false, env });
  try {
    const names = Object.keys(stack.pids());
    const caller = new ApiCaller(stack.apiUrl, stack.apiKey);
    const flow = new Bursts(caller, await targets(caller, log.url));
    const kills = await killInBursts(stack, names, flow, plan);
    await quiet(log, flow.accepted, plan);
    const lost = new Set([PLAIN, ORDERED].flatMap((path) => log.missing(path, flow.accepted)));
    const arrived = new Set([...log.byPath.values()].flat().map(({ id }) => id));
    return {
      accepted: flow.accepted.size,
      lost: [...lost],
      unknown: [...arrived].filter((id) => !flow.accepted.has(id)).length,
      inversions: inversions(log.byPath.get(ORDERED) ?? []),
      kills: duplicatesByKill(log.byPath.values(), kills),
      stored: await storedFaults(stack.mongodbUrl),
      acceptedPerSec: Math.round(flow.accepted.size / (flow.busyMs / 1_000)),
      seconds: Math.round((Date.now() - started) / 1_000),
    };
  } finally {
    await stack.stop();
    log.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function targets(caller: ApiCaller, url: string): Promise<string> {
  const { app } = await caller.target(`${url}${PLAIN}`);
  const ordered = { url: `${url}${ORDERED}`, uid: 'ordered' };
  await caller.post(`/api/v1/app/${app}/endpoint`, ordered);
  const policy = { fifo: { by: { key: '/key' }, onExhausted: 'hold' } };
  const set = await caller.call('PUT', `/api/v1/app/${app}/endpoint/ordered/policy`, { body: policy });
  if (set.status !== 200) throw new Error(`policy: ${set.status} ${JSON.stringify(set.body)}`);
  return app;
}

async function killInBursts(stack: Stack, names: string[], flow: Bursts, plan: SpeedPlan): Promise<Kill[]> {
  const random = seededRandom(plan.seed);
  const [shortest, longest] = plan.pauseMs;
  const kills: Kill[] = [];
  const perBurst = Math.ceil(plan.messages / plan.kills);
  for (let round = 0; round < plan.kills; round++) {
    await delay(shortest + random() * (longest - shortest));
    const victim = VICTIMS[round % VICTIMS.length]!;
    const taken = flow.accepted.size + Math.floor(perBurst * random());
    const burst = flow.burst(perBurst);
    await Promise.race([burst, flow.untilAccepted(taken)]);
    const gone = victim === 'everything' ? Object.keys(stack.pids()) : [victim];
    kills.push({ victim, atMs: Date.now() });
    await Promise.all(gone.map((name) => stack.kill(name)));
    await revive(stack, names);
    await whileReviving(stack, names, burst);
    plan.progress?.(`kill ${round + 1} of ${plan.kills}: ${victim}, ${flow.accepted.size} accepted`);
  }
  return kills;
}

/** Starts what ended because another process was gone, as supervision does, until the burst is answered. */
async function whileReviving(stack: Stack, names: string[], burst: Promise<void>): Promise<void> {
  let over = false;
  const end = burst.finally(() => (over = true));
  while (!over) {
    await revive(stack, names);
    await Promise.race([end, delay(250)]);
  }
  await end;
  await revive(stack, names);
}

/** Until everything came, or nothing new for `quietMs`. */
async function quiet(log: ArrivalLog, accepted: Set<string>, plan: SpeedPlan): Promise<void> {
  let least = Infinity;
  let since = Date.now();
  for (;;) {
    const missing = [PLAIN, ORDERED].reduce((sum, path) => sum + log.missing(path, accepted).length, 0);
    if (missing === 0) return;
    if (missing < least) since = Date.now();
    least = Math.min(least, missing);
    if (Date.now() - since > plan.quietMs) return;
    plan.progress?.(`${missing} arrivals to come`);
    await delay(2_000);
  }
}

/** Sends as fast as the API answers, over a fixed number of connections; repeats what got no answer. */
class Bursts {
  readonly accepted = new Set<string>();
  busyMs = 0;
  #next = 0;
  #waiting: { count: number; wake: () => void } | null = null;

  constructor(
    private readonly caller: ApiCaller,
    private readonly app: string,
  ) {}

  async burst(messages: number): Promise<void> {
    const started = Date.now();
    const end = this.#next + messages;
    const sender = async (): Promise<void> => {
      while (this.#next < end) await this.#send(this.#next++);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, sender));
    this.busyMs += Date.now() - started;
  }

  untilAccepted(count: number): Promise<void> {
    return new Promise((wake) => {
      this.#waiting = { count, wake };
    });
  }

  async #send(n: number): Promise<void> {
    const body = { eventType: 'crash.test', payload: { n, key: `k${n % KEYS}` } };
    for (;;) {
      const answer = await this.caller
        .call<{ id: string }>('POST', `/api/v1/app/${this.app}/msg`, { body, idempotencyKey: `message-${n}` })
        .catch((error: Error) => (error.name === 'TypeError' ? null : Promise.reject(error)));
      if (answer?.status === 202) return this.#accept(answer.body.id);
      if (answer && answer.status < 500)
        throw new Error(`message ${n}: ${answer.status} ${JSON.stringify(answer.body)}`);
      await delay(50);
    }
  }

  #accept(id: string): void {
    this.accepted.add(id);
    if (this.#waiting && this.accepted.size >= this.#waiting.count) this.#waiting.wake();
  }
}
