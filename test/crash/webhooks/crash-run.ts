import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mongoose from 'mongoose';
import { startStack } from '../../../embedded/stack/stack.js';
import type { Stack } from '../../../embedded/stack/stack.js';
import { ApiCaller } from '../../support/api-caller.js';
import { seededRandom } from '../../support/seeded-random.js';
import { WebhookSink } from '../../support/webhook-sink.js';

/** A process of the stack, or all of them at once as when the power fails. */
export type Victim = 'api' | 'worker' | 'mongodb' | 'temporal' | 'everything';

export interface CrashPlan {
  messages: number;
  /** Messages offered per second; they flow from before the first kill until after the last. */
  perSecond: number;
  kills: readonly Victim[];
  /** Pause between the end of a restart and the next kill: random up to this. */
  maxPauseMs: number;
  /** Whether a kill then waits for a 202, to follow it at once. */
  atAnswers?: boolean;
  /** How long to wait after the last restart for what is still missing. */
  drainMs: number;
  seed: number;
  env?: NodeJS.ProcessEnv;
}

export interface CrashReport {
  accepted: number;
  arrived: number;
  /** Ids that were answered 202 and never arrived. */
  lost: string[];
  /** Arrivals beyond the first of each message. */
  duplicates: number;
  /** Arrivals whose id no accepted request knows: must be none, every duplicate carries its message's id. */
  unknown: string[];
  kills: number;
  seconds: number;
  /** What the store holds of the first lost ones, to tell lost from late. */
  storedOfLost: StoredMessage[];
}

/** A message with null for a row that was never stored. */
export interface StoredMessage {
  message: unknown;
  deliveries: unknown[];
  attempts: unknown[];
}

/** Lets messages flow while processes are killed and started again, then compares what was promised with what came. */
export async function crashRun(plan: CrashPlan): Promise<CrashReport> {
  const started = Date.now();
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-crash-'));
  const sink = await WebhookSink.start({ keepBodies: false });
  const stack = await startStack({
    dataDir,
    ports: 'free',
    autoRestart: false,
    ...(plan.env ? { env: plan.env } : {}),
  });
  try {
    const caller = new ApiCaller(stack.apiUrl, stack.apiKey);
    const { app } = await caller.target(sink.url);
    const flow = new MessageFlow(caller, app, plan);
    const flowing = flow.run();
    const names = Object.keys(stack.pids());
    const answered = plan.atAnswers === true ? () => Promise.race([flow.nextAnswer(), flowing]) : null;
    await killInTurn(stack, names, plan, answered);
    const reviving = revivedUntil(stack, names, flowing);
    await flowing;
    await reviving;
    await sink.untilArrived(flow.accepted, plan.drainMs).catch(() => undefined);
    const figures = report(plan, flow.accepted, sink, started);
    return { ...figures, storedOfLost: await storedOf(stack.mongodbUrl, figures.lost.slice(0, 50)) };
  } finally {
    await stack.stop();
    sink.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Offers messages at a steady rate; a request that failed is repeated with its idempotency key until answered. */
class MessageFlow {
  readonly accepted = new Set<string>();
  #answer = Promise.withResolvers<void>();

  constructor(
    private readonly caller: ApiCaller,
    private readonly app: string,
    private readonly plan: CrashPlan,
  ) {}

  /** Resolves with the next 202. */
  nextAnswer(): Promise<void> {
    return this.#answer.promise;
  }

  async run(): Promise<void> {
    const { messages, perSecond } = this.plan;
    const begin = Date.now();
    const sends: Promise<void>[] = [];
    for (let n = 0; n < messages; n++) {
      const wait = begin + (n * 1_000) / perSecond - Date.now();
      if (wait > 0) await delay(wait);
      sends.push(this.#send(n));
    }
    await Promise.all(sends);
  }

  async #send(n: number): Promise<void> {
    const body = { eventType: 'crash.test', payload: { n } };
    for (;;) {
      try {
        const answer = await this.caller.call<{ id: string }>('POST', `/api/v1/app/${this.app}/msg`, {
          body,
          idempotencyKey: `message-${n}`,
        });
        if (answer.status === 202) {
          this.accepted.add(answer.body.id);
          this.#answer.resolve();
          this.#answer = Promise.withResolvers();
          return;
        }
        if (answer.status < 500)
          throw new Error(`message ${n}: ${answer.status} ${JSON.stringify(answer.body)}`);
      } catch (error) {
        if ((error as Error).name !== 'TypeError') throw error; // fetch failed: the API is down
      }
      await delay(100);
    }
  }
}

async function killInTurn(
  stack: Stack,
  names: string[],
  plan: CrashPlan,
  answered: (() => Promise<void>) | null,
): Promise<void> {
  const random = seededRandom(plan.seed);
  for (const victim of plan.kills) {
    await delay(200 + random() * plan.maxPauseMs);
    await answered?.();
    if (victim === 'everything') {
      await Promise.all(Object.keys(stack.pids()).map((name) => stack.kill(name)));
    } else {
      await stack.kill(victim);
    }
    await revive(stack, names);
  }
}

/** Starts what is not running, the victim or a process that ended because another one was gone, as supervision does. */
export async function revive(stack: Stack, names: string[]): Promise<void> {
  const isDown = (name: string) => !(name in stack.pids());
  for (const server of ['mongodb', 'temporal'].filter(isDown)) await stack.restart(server);
  await Promise.all(names.filter(isDown).map((name) => stack.restart(name)));
}

async function revivedUntil(stack: Stack, names: string[], end: Promise<unknown>): Promise<void> {
  let over = false;
  const ended = end.finally(() => (over = true)).catch(() => undefined);
  while (!over) {
    await revive(stack, names);
    await Promise.race([ended, delay(500)]);
  }
  await revive(stack, names);
}

async function storedOf(mongodbUrl: string, lost: string[]): Promise<StoredMessage[]> {
  if (lost.length === 0) return [];
  const client = await mongoose.mongo.MongoClient.connect(mongodbUrl);
  try {
    const db = client.db('holdfast');
    const stored = lost.map(async (id) => ({
      message: await db.collection('wh_messages').findOne({ _id: id as never }, { projection: { body: 0 } }),
      deliveries: await db.collection('wh_deliveries').find({ msg: id }).toArray(),
      attempts: await db.collection('wh_attempts').find({ msg: id }).toArray(),
    }));
    return await Promise.all(stored);
  } finally {
    await client.close();
  }
}

type Figures = Omit<CrashReport, 'storedOfLost'>;

function report(plan: CrashPlan, accepted: Set<string>, sink: WebhookSink, started: number): Figures {
  const arrivals = [...sink.counts.values()].reduce((sum, count) => sum + count, 0);
  return {
    accepted: accepted.size,
    arrived: sink.counts.size,
    lost: [...accepted].filter((id) => !sink.counts.has(id)),
    duplicates: arrivals - sink.counts.size,
    unknown: [...sink.counts.keys()].filter((id) => !accepted.has(id)),
    kills: plan.kills.length,
    seconds: Math.round((Date.now() - started) / 1_000),
  };
}
