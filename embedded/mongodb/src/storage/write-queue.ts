import { CommandError } from '../errors.js';
import { log } from '../stats/log.js';
import type { Database } from './database.js';

/** A write in steps: it yields where a commit may fall, as between the documents of one insert, or to wait for others. */
export type WriteSteps<T> = Generator<void | 'wait', T>;

/** Limits of one commit, so that nobody waits long behind a large write. */
const MAX_STEPS = 1_000;
const MAX_BATCH_MS = 4;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** Exit code after a failed write to disk: what was acknowledged is safe, what follows is not. */
const EXIT_DISK_FAILURE = 14;

export interface BatchHooks {
  /** Runs inside the transaction, just before COMMIT. */
  beforeCommit(): void;
  /** Runs after ROLLBACK: what memory holds must be read again. */
  rolledBack(): void;
}

interface Job {
  start: () => WriteSteps<unknown>;
  steps: WriteSteps<unknown> | null;
  /** Tells the caller; called when the log is on the disk. */
  settle: (() => void) | null;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/**
 * Group commit. Whatever is queued runs in one SQLite transaction, from BEGIN to COMMIT without a pause, so that no
 * read can see an uncommitted row. Promises settle only when the log is on the disk. The disk works outside this thread:
 * meanwhile requests are read and reads are answered, and what is written collects for the next commit.
 */
export class WriteQueue {
  /** `syncMs`: waiting for the disk, outside this thread. */
  readonly stats = { commits: 0, steps: 0, largestBatch: 0, commitMs: 0, syncMs: 0 };
  private jobs: Job[] = [];
  private scheduled = false;
  private syncing = false;
  private batchBytes = 0;
  private idleWaiters: (() => void)[] = [];

  constructor(
    private readonly db: Database,
    private readonly hooks: BatchHooks,
    private readonly maxBatchMs = MAX_BATCH_MS,
  ) {}

  /** Queues a write; it must check what can fail before it touches rows. */
  run<T>(start: () => WriteSteps<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.jobs.push({ start, steps: null, settle: null, resolve, reject });
      this.schedule();
    });
  }

  /** Queues a write of one step. */
  once<T>(step: () => T): Promise<T> {
    return this.run(function* () {
      yield;
      return step();
    });
  }

  /** Told by the storage how much a write adds to the batch. */
  addBytes(bytes: number): void {
    this.batchBytes += bytes;
  }

  get depth(): number {
    return this.jobs.length;
  }

  /** Resolves when nothing is queued. */
  idle(): Promise<void> {
    if (this.jobs.length === 0 && !this.syncing) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  private schedule(): void {
    if (this.scheduled || this.syncing) return;
    this.scheduled = true;
    // setImmediate runs after all sockets that are readable now were read: their writes share the commit.
    setImmediate(() => void this.writeNext());
  }

  private async writeNext(): Promise<void> {
    this.scheduled = false;
    const ended = this.runBatch();
    this.syncing = true;
    await this.sync();
    this.syncing = false;
    for (const { settle } of ended) settle?.();
    if (this.jobs.length > 0) this.schedule();
    else for (const wake of this.idleWaiters.splice(0)) wake();
  }

  private async sync(): Promise<void> {
    const started = performance.now();
    try {
      await this.db.syncLog();
    } catch (error) {
      exitOnDiskFailure(error);
    }
    this.stats.syncMs += performance.now() - started;
  }

  /** Runs what is queued and commits it; returns the jobs that have ended. */
  private runBatch(): Job[] {
    const members: Job[] = [];
    const started = performance.now();
    let steps = 0;
    this.batchBytes = 0;
    const isFull = (): boolean =>
      steps >= MAX_STEPS ||
      this.batchBytes >= MAX_BATCH_BYTES ||
      performance.now() - started >= this.maxBatchMs;
    try {
      this.db.statement('BEGIN IMMEDIATE').run();
      do {
        const job = this.jobs.shift() as Job;
        members.push(job);
        do steps += 1;
        while (!this.step(job) && !isFull());
      } while (this.jobs.length > 0 && !isFull());
      this.commit(steps);
    } catch (error) {
      this.rollback(error, members);
      return [];
    }
    this.jobs.push(...members.filter((job) => !job.settle));
    return members.filter((job) => job.settle);
  }

  /** One step of a job; true if it has ended or waits. */
  private step(job: Job): boolean {
    try {
      job.steps ??= job.start();
      const { done, value } = job.steps.next();
      if (done) job.settle = () => job.resolve(value as never);
      else if (value === 'wait') return true;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      job.settle = () => job.reject(error);
    }
    return job.settle !== null;
  }

  private commit(steps: number): void {
    const started = performance.now();
    this.hooks.beforeCommit();
    try {
      this.db.statement('COMMIT').run();
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_FULL) exitOnDiskFailure(error);
      throw error;
    }
    this.stats.commits += 1;
    this.stats.steps += steps;
    this.stats.largestBatch = Math.max(this.stats.largestBatch, steps);
    this.stats.commitMs += performance.now() - started;
  }

  /**
   * Nothing of the batch is kept. On a full disk all its members are refused, to be tried again once there is space.
   * After a fault of ours only the write that ran is told of it; the others get a code on which drivers send them again,
   * and what is recorded of their earlier steps is not done twice.
   */
  private rollback(error: unknown, members: Job[]): void {
    const code = sqliteCode(error);
    if (code === SQLITE_IOERR) exitOnDiskFailure(error);
    // On some errors SQLite has rolled back already.
    if (this.db.sqlite.isTransaction) this.db.sqlite.exec('ROLLBACK');
    this.hooks.rolledBack();
    const full = new CommandError('OutOfDiskSpace', 'the disk of the data directory is full: free some');
    const again = new CommandError('InterruptedDueToReplStateChange', 'rolled back: send it again');
    const faulty = code === SQLITE_FULL ? undefined : members.at(-1);
    if (faulty) log('error', 'a write failed unexpectedly and is rolled back', { error: textOf(error) });
    for (const job of members) job.reject(job === faulty ? error : faulty ? again : full);
  }
}

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/** SQLite keeps the kind of an error in the low byte of its extended code. */
function sqliteCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

/** A failed fsync must never be retried: the kernel may have dropped the pages (fsyncgate, 2018). */
function exitOnDiskFailure(error: unknown): never {
  log('error', 'cannot write to the data directory, the server stops', { error: textOf(error) });
  process.exit(EXIT_DISK_FAILURE);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
