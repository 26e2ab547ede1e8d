import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import mongoose from 'mongoose';
import { anyFreePort } from '../../../embedded/stack/service/ports.js';
import { GuardedConnection } from '../../../src/store/guarded-connection.js';
import { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import { Dice } from '../../support/seeded-random.js';
import { judge, judgeValidity } from './judge.js';
import type { Problem } from './judge.js';
import { LOG_START } from './oplog-judge.js';
import { WriteLoad } from './write-load.js';

export interface KillPlan {
  rounds: number;
  seed: number;
  /** Longest time that writes flow before a kill. */
  maxWriteMs: number;
  /** Called after each round. */
  progress?: (round: number, report: KillReport) => void;
  /** What somebody else does to the last round's data before it is judged: a judge must notice. */
  tamper?: (load: WriteLoad, server: EmbeddedProcess) => Promise<void>;
}

export interface KillReport {
  rounds: number;
  /** kill -9, and how many of them hit a server that was still starting. */
  kills: number;
  killsWhileStarting: number;
  acknowledged: number;
  /** Acknowledged after the server had been killed under them and came back. */
  acrossKill: number;
  /** Writes whose answer never came: done or not, both is right. */
  open: number;
  oplogEntries: number;
  restartMs: number[];
  problems: Problem[];
}

/** What is under way at a kill is sent again by the driver within so long, or its outcome stays open. */
const SETTLE_MS = 15_000;

/** Rounds of concurrent writes, kill -9 at a random moment, restart and judgement, all on one directory. */
export async function killRounds(plan: KillPlan): Promise<KillReport> {
  const port = await anyFreePort(new Set());
  const server = await EmbeddedProcess.start('--port', String(port), '--oplog-mb', '4096');
  const run = new KillRun(plan, server);
  try {
    for (let round = 1; round <= plan.rounds; round += 1) {
      await run.round(round);
      plan.progress?.(round, run.report);
    }
    await run.judgeFormerRounds();
    return run.report;
  } finally {
    await server.stop();
  }
}

class KillRun {
  readonly report: KillReport;
  private readonly dice: Dice;
  private readonly log = { ...LOG_START };
  /** Hash of each collection when it was judged: later crashes must not touch it. */
  private readonly judged = new Map<string, string>();

  constructor(
    private readonly plan: KillPlan,
    private readonly server: EmbeddedProcess,
  ) {
    this.dice = new Dice(plan.seed);
    this.report = {
      ...{ rounds: 0, kills: 0, killsWhileStarting: 0, acknowledged: 0, acrossKill: 0, open: 0 },
      ...{ oplogEntries: 0, restartMs: [], problems: [] },
    };
  }

  async round(round: number): Promise<void> {
    const { report, plan, server } = this;
    const client = await connect(server.uri);
    try {
      const load = new WriteLoad(client.db('torture'), round, plan.seed * 1_000 + round);
      await load.prepare();
      await this.killUnder(load);
      if (round === plan.rounds) await plan.tamper?.(load, server);
      const problems = await judge(load, this.log);
      report.problems.push(...problems.map(({ kind, text }) => ({ kind, text: `round ${round}: ${text}` })));
      for (const collection of [load.documents, load.counters, load.jobs])
        this.judged.set(collection.collectionName, await hash(collection as never));
      report.rounds += 1;
      report.acknowledged += load.ledger.acknowledged;
      report.acrossKill += load.ledger.acrossKill;
      report.open += load.ledger.open;
      report.oplogEntries = this.log.entries;
    } finally {
      await client.close();
    }
  }

  /** Data of earlier rounds has lived through the later kills. */
  async judgeFormerRounds(): Promise<void> {
    const client = await connect(this.server.uri);
    try {
      for (const [name, before] of this.judged) {
        const collection = client.db('torture').collection(name);
        const report = (kind: Problem['kind'], text: string): void =>
          void this.report.problems.push({ kind, text: `in the end: ${text}` });
        if ((await hash(collection)) !== before) report('wrong', `${name} is not what it was when judged`);
        await judgeValidity(collection, report);
      }
    } finally {
      await client.close();
    }
  }

  private async killUnder(load: WriteLoad): Promise<void> {
    const { dice, report, server } = this;
    const written = load.run();
    await delay(20 + dice.random() * this.plan.maxWriteMs);
    load.ledger.killed();
    await server.kill();
    load.stop();
    report.kills += 1;
    while (dice.chance(0.2)) {
      await server.killWhileStarting(dice.below(400));
      report.kills += 1;
      report.killsWhileStarting += 1;
    }
    const started = performance.now();
    await server.restart();
    report.restartMs.push(Math.round(performance.now() - started));
    const settled = await Promise.race([written.then(() => true), delay(SETTLE_MS, false, { ref: false })]);
    if (!settled)
      report.problems.push({ kind: 'wrong', text: `a write hangs ${SETTLE_MS} ms after restart` });
  }
}

function connect(uri: string): Promise<mongoose.mongo.MongoClient> {
  const options = { maxPoolSize: 20, serverSelectionTimeoutMS: 10_000, connectionType: GuardedConnection };
  return new mongoose.mongo.MongoClient(uri, options as mongoose.mongo.MongoClientOptions).connect();
}

async function hash(collection: mongoose.mongo.Collection): Promise<string> {
  const digest = createHash('sha256');
  try {
    for await (const bytes of collection.find({}, { raw: true, hint: { $natural: 1 } }))
      digest.update(bytes as unknown as Buffer);
  } catch (error) {
    return `unreadable: ${(error as Error).message}`;
  }
  return digest.digest('hex');
}
