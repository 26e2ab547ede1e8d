import { CommandError } from '../errors.js';
import { log } from '../stats/log.js';
import type { Database } from './database.js';

/** A write in steps: it yields where a commit may fall, as between the documents of one insert. */
export type WriteSteps<T> = Generator<void, T>;

/** Limits of one commit, so that nobody waits long behind a large write. */
const MAX_STEPS = 1_000;
const MAX_BATCH_MS = 4;
/** Bytes written per commit. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** Exit code after a failed write to disk: what was acknowledged is safe, what follows is not. */
export const EXIT_DISK_FAILURE = 14;

export interface BatchHooks {
  /** Runs inside the transaction, just before COMMIT. */
  beforeCommit(): void;
  /** Runs after COMMIT, before the replies leave. */
  committed(): void;
  /** Runs after ROLLBACK: what memory holds must be read again. */
  rolledBack(): void;
}

interface Job {
  start: () => WriteSteps<unknown>;
  steps: WriteSteps<unknown> | null;
  startedIn: number;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

export interface WriteStats {
  commits: number;
  steps: number;
  largestBatch: number;
  commitMs: number;
  /** Waiting for the disk, outside this thread. */
  syncMs: number;
}

/**
 * Group commit. Whatever is queued runs in one SQLite transaction, from BEGIN to COMMIT without a pause, so that no
 * read can see an uncommitted row. Promises settle only when the log is on the disk. The disk works outside this thread:
 * meanwhile requests are read and reads are answered, and what is written collects for the next commit.
 */
export class WriteQueue {
  readonly stats: WriteStats = { commits: 0, steps: 0, largestBatch: 0, commitMs: 0, syncMs: 0 };
  private readonly jobs: Job[] = [];
  private scheduled = false;
  private batch = 0;
  private batchBytes = 0;
  private idleWaiters: (() => void)[] = [];
  private syncing = false;

  constructor(
    private readonly db: Database,
    private readonly hooks: BatchHooks,
  ) {}

  /** Queues a write; it must check what can fail before it touches rows. */
  run<T>(start: () => WriteSteps<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.jobs.push({
        start,
        steps: null,
        startedIn: 0,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      this.schedule();
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
    const settle = this.runBatch();
    this.syncing = true;
    await this.sync();
    this.syncing = false;
    for (const tell of settle) tell();
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

  /** Runs what is queued and commits it. What it returns is to be called once the log is on the disk. */
  private runBatch(): (() => void)[] {
    const settle: (() => void)[] = [];
    const members: Job[] = [];
    const started = performance.now();
    let steps = 0;
    this.batch += 1;
    this.batchBytes = 0;
    try {
      this.begin();
      while (this.jobs.length > 0 && steps < MAX_STEPS && this.withinLimits(started)) {
        const job = this.jobs.shift() as Job;
        members.push(job);
        steps += this.advance(job, settle, steps, started);
      }
    } catch (error) {
      return this.recover(error, members);
    }
    if (this.commit(steps)) return settle;
    this.refuse(members);
    return [];
  }

  /** Runs one job until it ends or the batch is full; an unfinished job goes to the end of the queue. */
  private advance(job: Job, settle: (() => void)[], before: number, started: number): number {
    for (let taken = 1; ; taken += 1) {
      let result: IteratorResult<void, unknown>;
      try {
        if (!job.steps) job.startedIn = this.batch;
        job.steps ??= job.start();
        result = job.steps.next();
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        settle.push(() => job.reject(error));
        return taken;
      }
      if (result.done) {
        const { value } = result;
        settle.push(() => job.resolve(value));
        return taken;
      }
      if (before + taken >= MAX_STEPS || !this.withinLimits(started)) {
        this.jobs.push(job);
        return taken;
      }
    }
  }

  private withinLimits(started: number): boolean {
    return this.batchBytes < MAX_BATCH_BYTES && performance.now() - started < MAX_BATCH_MS;
  }

  private begin(): void {
    this.db.statement('BEGIN IMMEDIATE').run();
  }

  /** False if the disk is full: the batch is rolled back and may be tried again once there is space. */
  private commit(steps: number): boolean {
    const started = performance.now();
    try {
      this.hooks.beforeCommit();
      this.db.statement('COMMIT').run();
    } catch (error) {
      if (!isDiskFull(error)) exitOnDiskFailure(error);
      this.rollback();
      return false;
    }
    this.stats.commits += 1;
    this.stats.steps += steps;
    this.stats.largestBatch = Math.max(this.stats.largestBatch, steps);
    this.stats.commitMs += performance.now() - started;
    this.hooks.committed();
    return true;
  }

  private refuse(members: Job[]): void {
    const waiting = new Set(this.jobs);
    for (const job of members) {
      if (waiting.has(job)) this.jobs.splice(this.jobs.indexOf(job), 1);
      job.reject(
        new CommandError('OutOfDiskSpace', 'the disk of the data directory is full: free some space'),
      );
    }
  }

  /**
   * A fault of ours in the middle of an operation: nothing of the batch is kept, then its members run one by one so
   * that only the faulty one fails. A write that had committed earlier slices cannot start over and is told so.
   */
  private recover(error: unknown, members: Job[]): (() => void)[] {
    if (isDiskFailure(error)) exitOnDiskFailure(error);
    this.rollback();
    if (isDiskFull(error)) {
      this.refuse(members);
      return [];
    }
    log('error', 'a write failed unexpectedly, its batch is repeated one by one', { error: describe(error) });
    const unfinished = new Set(this.jobs);
    return members.map((job) => {
      if (unfinished.has(job)) this.jobs.splice(this.jobs.indexOf(job), 1);
      return this.runAlone(job, error);
    });
  }

  private runAlone(job: Job, cause: unknown): () => void {
    if (job.startedIn !== this.batch && job.steps) {
      return () =>
        job.reject(
          new CommandError(
            'InternalError',
            `the write was interrupted after a part of it: ${describe(cause)}`,
          ),
        );
    }
    this.begin();
    try {
      const steps = job.start();
      let result = steps.next();
      while (!result.done) result = steps.next();
      const { value } = result;
      if (this.commit(1)) return () => job.resolve(value);
      return () => this.refuse([job]);
    } catch (error) {
      if (isDiskFailure(error)) exitOnDiskFailure(error);
      if (error instanceof CommandError) this.commit(1);
      else this.rollback();
      return () => job.reject(error);
    }
  }

  private rollback(): void {
    this.db.sqlite.exec('ROLLBACK');
    this.hooks.rolledBack();
  }
}

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

function isDiskFailure(error: unknown): boolean {
  return primaryCode(error) === SQLITE_IOERR;
}

function isDiskFull(error: unknown): boolean {
  return primaryCode(error) === SQLITE_FULL;
}

/** SQLite keeps the kind of an error in the low byte of its extended code. */
function primaryCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

/** A failed fsync must never be retried: the kernel may have dropped the pages (fsyncgate, 2018). */
function exitOnDiskFailure(error: unknown): never {
  log('error', 'cannot write to the data directory, the server stops', { error: describe(error) });
  process.exit(EXIT_DISK_FAILURE);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
