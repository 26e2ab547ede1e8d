import type mongoose from 'mongoose';
import { Dice } from '../../support/seeded-random.js';
import { Ledger } from './ledger.js';
import type { Doc } from './ledger.js';

type Collection<T extends mongoose.mongo.Document> = mongoose.mongo.Collection<T>;

export interface Job {
  _id: number;
  state: 'waiting' | 'taken';
  at: number;
  by?: string;
}

export interface Counter {
  _id: string;
  n: number;
}

/** Values of `tags`; few, so that each has many documents. */
export const TAGS = 20;
export const COUNTERS = 4;
const JOBS = 2_000;
const DUPLICATE_KEY = 11_000;
const WRITERS = 8;
const INCREMENTERS = 6;
const CLAIMERS = 4;

/** What came back from the counters and the queue of jobs. */
export interface Outcomes {
  /** Acknowledged increments of each counter, and those whose answer never came. */
  increments: { done: number; open: number }[];
  /** Values that findAndModify returned, `counter:value`. */
  returned: string[];
  claims: { job: number; by: string }[];
  openClaims: Set<string>;
}

/** Concurrent writes of all kinds into the collections of one round, each noted in a ledger. */
export class WriteLoad {
  readonly ledger = new Ledger();
  readonly outcomes: Outcomes = {
    increments: Array.from({ length: COUNTERS }, () => ({ done: 0, open: 0 })),
    returned: [],
    claims: [],
    openClaims: new Set(),
  };
  readonly documents: Collection<Doc>;
  readonly counters: Collection<Counter>;
  readonly jobs: Collection<Job>;
  private stopped = false;

  constructor(
    private readonly db: mongoose.mongo.Db,
    readonly round: number,
    private readonly seed: number,
  ) {
    this.documents = db.collection(`documents${round}`);
    this.counters = db.collection(`counters${round}`);
    this.jobs = db.collection(`jobs${round}`);
  }

  /** Indexes and first documents, all acknowledged. */
  async prepare(): Promise<void> {
    await this.documents.createIndex({ u: 1 }, { unique: true });
    await this.documents.createIndex({ tags: 1 });
    await this.jobs.createIndex({ state: 1, at: 1 });
    await this.jobs.insertMany(
      Array.from({ length: JOBS }, (_, n) => ({ _id: n, state: 'waiting', at: JOBS - n })),
    );
    await this.counters.insertMany(
      Array.from({ length: COUNTERS }, (_, n) => ({ _id: `counter${n}`, n: 0 })),
    );
  }

  /** Writes until stopped; what is under way then still ends, one way or the other. */
  async run(): Promise<void> {
    const writers = Array.from({ length: WRITERS }, (_, n) => this.repeat(n, this.writeDocument(`w${n}`)));
    const adders = Array.from({ length: INCREMENTERS }, (_, n) => this.repeat(100 + n, this.increment));
    const claimers = Array.from({ length: CLAIMERS }, (_, n) => this.repeat(200 + n, this.claimAs(`c${n}`)));
    await Promise.all([...writers, ...adders, ...claimers, this.repeat(300, this.buildIndex)]);
  }

  stop(): void {
    this.stopped = true;
  }

  private async repeat(stream: number, step: (dice: Dice) => Promise<void>): Promise<void> {
    const dice = new Dice(this.seed * 1_000 + stream);
    while (!this.stopped) await step(dice);
  }

  /** One writer owns its documents, so that what each should hold is known write by write. */
  private writeDocument(writer: string): (dice: Dice) => Promise<void> {
    const own: string[] = [];
    let next = 0;
    const { ledger, documents } = this;
    const fresh = (dice: Dice): Doc => {
      const id = `${writer}-${next++}`;
      return { _id: id, u: `u-${id}`, tags: tags(dice), n: 0, pad: 'x'.repeat(dice.below(400)) };
    };
    const insert = async (docs: Doc[], operation: () => Promise<unknown>): Promise<void> => {
      const changes = docs.map((doc) => ({ id: doc._id, after: doc }));
      if (await ledger.write(changes, operation)) own.push(...docs.map(({ _id }) => _id));
    };
    const kinds: [number, (dice: Dice) => Promise<unknown>][] = [
      [
        35,
        (dice) => {
          const doc = fresh(dice);
          return insert([doc], () => documents.insertOne(doc));
        },
      ],
      [
        15,
        (dice) => {
          const docs = Array.from({ length: 1 + dice.below(200) }, () => fresh(dice));
          return insert(docs, () => documents.insertMany(docs, { ordered: dice.chance(0.5) }));
        },
      ],
      [
        20,
        async (dice) => {
          const id = dice.pick(own);
          const doc = ledger.known(id);
          if (!doc) return;
          const after = { ...doc, tags: tags(dice), u: `${doc._id}-${doc.n}`, n: doc.n + 1 };
          const update = { $set: { tags: after.tags, u: after.u }, $inc: { n: 1 } };
          await ledger.write([{ id, after }], () => documents.updateOne({ _id: id }, update));
        },
      ],
      [
        20,
        async (dice) => {
          const [id] = own.splice(dice.below(own.length), 1);
          if (id === undefined || !ledger.known(id)) return;
          const byClaim = dice.chance(0.3);
          await ledger.write([{ id, after: null }], () =>
            byClaim ? documents.findOneAndDelete({ _id: id }) : documents.deleteOne({ _id: id }),
          );
        },
      ],
      [
        10,
        async (dice) => {
          const held = ledger.known(dice.pick(own) ?? '');
          if (!held) return;
          const doc = { ...fresh(dice), u: held.u };
          ledger.states.set(doc._id, [null]);
          await ledger.attempt(() => documents.insertOne(doc), 1, DUPLICATE_KEY);
        },
      ],
    ];
    return async (dice) => {
      let ticket = dice.below(100);
      const kind = own.length < 20 ? kinds[0] : kinds.find(([share]) => (ticket -= share) < 0);
      await kind![1](dice);
    };
  }

  private readonly increment = async (dice: Dice): Promise<void> => {
    const at = dice.below(COUNTERS);
    const tally = this.outcomes.increments[at]!;
    const filter = { _id: `counter${at}` };
    const returning = dice.chance(0.5);
    tally.open += 1;
    const outcome = await this.ledger.attempt(async () => {
      if (!returning) return this.counters.updateOne(filter, { $inc: { n: 1 } });
      const after = await this.counters.findOneAndUpdate(
        filter,
        { $inc: { n: 1 } },
        { returnDocument: 'after' },
      );
      return this.outcomes.returned.push(`${at}:${after?.n}`);
    }, 1);
    if (outcome !== 'open') tally.open -= 1;
    if (outcome === 'done') tally.done += 1;
  };

  private claimAs(claimer: string): (dice: Dice) => Promise<void> {
    const { claims, openClaims } = this.outcomes;
    let next = 0;
    return async () => {
      const by = `${claimer}-${next++}`;
      const take = { $set: { state: 'taken' as const, by } };
      openClaims.add(by);
      let job: Job | null = null;
      const outcome = await this.ledger.attempt(async () => {
        job = await this.jobs.findOneAndUpdate({ state: 'waiting' }, take, { sort: { at: 1 } });
      }, 1);
      if (job) claims.push({ job: (job as Job)._id, by });
      else if (outcome === 'done') this.runOut();
      if (outcome !== 'open') openClaims.delete(by);
    };
  }

  /** Nothing was left to claim: this was no write. */
  private runOut(): void {
    this.ledger.acknowledged -= 1;
    this.stop();
  }

  /** An index that comes and goes; both outcomes are right, half an index is not. */
  private readonly buildIndex = async (): Promise<void> => {
    await this.documents.createIndex({ tags: 1, n: -1 }).catch(() => undefined);
    await this.db.createCollection(`passing${this.round}`).catch(() => undefined);
    await this.documents.dropIndex('tags_1_n_-1').catch(() => undefined);
    await this.db.dropCollection(`passing${this.round}`).catch(() => undefined);
  };
}

function tags(dice: Dice): number[] {
  return Array.from({ length: dice.below(5) }, () => dice.below(TAGS));
}
