import mongoose from 'mongoose';
import { median } from '../../../bench/quantiles.js';
import { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import { Dice } from '../../support/seeded-random.js';
import { fill, recordFrames } from './frame-corpus.js';
import { mutatedFrame } from './frame-mutations.js';
import { FuzzConnection } from './fuzz-connection.js';

export interface FuzzPlan {
  frames: number;
  seed: number;
  /** The data are checked, thrown away and made anew after each so many frames; memory is measured then. */
  framesPerLap: number;
  /** No reaction for so long is a hang. */
  hangMs: number;
  progress?: (report: FuzzReport) => void;
  /** What somebody else does to the server in the middle of the run: it must be noticed. */
  disturb?: (server: EmbeddedProcess) => Promise<void>;
}

export interface FuzzReport {
  recorded: number;
  frames: number;
  seconds: number;
  /** Frames by what the server did with them. */
  reactions: Record<string, number>;
  /** Answers by error code. */
  codes: Record<string, number>;
  /** Memory in MiB that is alive after each lap, with the data thrown away. */
  liveMiB: number[];
  problems: string[];
}

const CONNECTIONS = 8;
const INTERNAL_ERROR = 1;
/** A message may ask the server to wait with its answer. */
const MAY_WAIT = 'maxAwaitTimeMS';

/** Sends spoiled messages over several connections; the server must survive, react to each and stay right. */
export async function fuzz(plan: FuzzPlan): Promise<FuzzReport> {
  const server = await EmbeddedProcess.start('--oplog-mb', '16');
  const run = new FuzzRun(plan, server);
  try {
    await run.all();
  } catch (error) {
    run.problem(`the run ended early: ${(error as Error).message}`);
  } finally {
    await server.stop();
  }
  return run.report;
}

/** Caches of statements and plans fill up to their bounds, whenever a message first asks for what they keep. */
const CACHES_MIB = 24;

/** Memory at the end against memory after warming up (the first third), both in MiB, as medians of three laps. */
export function memoryTrend({ liveMiB }: FuzzReport): { warm: number; end: number; flat: boolean } {
  const third = Math.floor(liveMiB.length / 3);
  const warm = median(liveMiB.slice(third, third + 3));
  const end = median(liveMiB.slice(-3));
  return { warm, end, flat: end <= warm + CACHES_MIB };
}

class FuzzRun {
  readonly report: FuzzReport;
  private corpus: Buffer[] = [];
  private readonly started = Date.now();

  constructor(
    private readonly plan: FuzzPlan,
    private readonly server: EmbeddedProcess,
  ) {
    this.report = {
      ...{ recorded: 0, frames: 0, seconds: 0, reactions: {}, codes: {} },
      ...{ liveMiB: [], problems: [] },
    };
  }

  async all(): Promise<void> {
    const { plan, report, server } = this;
    this.corpus = await recordFrames(server.port);
    report.recorded = this.corpus.length;
    const client = await server.connect({ socketTimeoutMS: plan.hangMs });
    const dice = Array.from({ length: CONNECTIONS }, (_, n) => new Dice(plan.seed * 100 + n));
    const connections = dice.map(() => new FuzzConnection(() => server.port, plan.hangMs));
    const laps = Math.ceil(plan.frames / plan.framesPerLap);
    while (report.frames < plan.frames && report.problems.length < 10) {
      const until = Math.min(report.frames + plan.framesPerLap, plan.frames);
      if (report.frames === plan.framesPerLap * Math.floor(laps / 2)) await plan.disturb?.(server);
      await Promise.all(connections.map((connection, n) => this.lap(connection, dice[n]!, until)));
      await this.check(client);
      report.seconds = Math.round((Date.now() - this.started) / 1_000);
      plan.progress?.(report);
    }
    for (const connection of connections) connection.drop();
  }

  problem(text: string): void {
    this.report.problems.push(text);
  }

  private async lap(connection: FuzzConnection, dice: Dice, until: number): Promise<void> {
    const { report } = this;
    while (report.frames < until && report.problems.length < 10) {
      report.frames += 1;
      const { kind, bytes } = mutatedFrame(this.corpus, dice);
      const reaction = await connection.send(bytes, dice);
      report.reactions[reaction.what] = (report.reactions[reaction.what] ?? 0) + 1;
      if (reaction.what === 'error') this.note(reaction.code, `${reaction.message}, after ${kind}`);
      if (reaction.what === 'hang' && !bytes.includes(MAY_WAIT))
        this.problem(`no reaction to ${kind}: ${bytes.toString('base64').slice(0, 2_000)}`);
    }
  }

  /** A MongoDB error is an answer, an error of our own making is a bug. */
  private note(code: number, message: string): void {
    this.report.codes[code] = (this.report.codes[code] ?? 0) + 1;
    if (code === INTERNAL_ERROR) this.problem(message);
  }

  /** After all that, the data must be sound and plain requests must be answered rightly. */
  private async check(client: mongoose.mongo.MongoClient): Promise<void> {
    const admin = client.db('admin');
    await admin.command({ killAllSessions: [] });
    for (const { name } of (await admin.admin().listDatabases()).databases) {
      if (name === 'local') continue;
      const db = client.db(name);
      for (const { name: collection } of await db.listCollections({}, { nameOnly: true }).toArray()) {
        const { valid, errors } = await db.command({ validate: collection, full: true });
        if (!valid) this.problem(`validate ${name}.${collection}: ${errors.join('; ')}`);
      }
      await db.dropDatabase();
    }
    await fill(client.db('fuzz'));
    const c = client.db('fuzz').collection('c');
    await c.updateOne({ n: 7 }, { $inc: { n: 100 } });
    const found = await c.find({ n: { $gte: 38 } }, { sort: { n: 1 }, projection: { n: 1 } }).toArray();
    const expected = '38,39,107';
    if (found.map(({ n }) => n).join() !== expected)
      this.problem(`a plain find answers ${JSON.stringify(found)}, expected ${expected}`);
    this.report.liveMiB.push(await this.server.liveMiB());
  }
}
