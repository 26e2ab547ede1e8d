import type { Logger } from 'pino';
import {
  add,
  countForApplication,
  countForEndpoint,
} from '../../../domain/webhooks/statistics/attempt-counts.js';
import type { Counts } from '../../../domain/webhooks/statistics/attempt-counts.js';
import { bucketId, bucketStartMs } from '../../../domain/webhooks/statistics/bucket.js';
import type { AttemptRow } from '../../../store/webhooks/attempt.schema.js';
import type { StatisticsRepository } from '../../../store/webhooks/statistics/statistics.repository.js';

/** Between two writes of minutes, and of hours and days. A kill loses what came since; the nightly recount mends it. */
const MINUTES_EVERY_MS = 1_000;
const COARSE_EVERY_MS = 30_000;
/** A write that takes long is followed by a pause of so many times its length. */
const PAUSE_FACTOR = 10;

type Buckets = Map<string, Counts>;

/**
 * Counts attempts whose results are stored. Counting is a few additions in memory; once a second what has changed is
 * written together, so that a result waits for nothing and an endpoint costs one write a second however busy it is.
 */
export class AttemptStatistics {
  #minutes: Buckets = new Map();
  #coarse: Buckets = new Map();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #coarseWrittenMs = performance.now();

  constructor(
    private readonly repository: StatisticsRepository,
    private readonly log: Logger,
  ) {}

  count(attempts: readonly AttemptRow[]): void {
    if (attempts.length === 0) return;
    for (const attempt of attempts) {
      const at = attempt.at.getTime();
      countForEndpoint(countsOf(this.#minutes, bucketId(attempt.ep, 'm', at)), attempt);
      countForApplication(countsOf(this.#minutes, bucketId(attempt.app, 'm', at)), attempt);
    }
    this.#timer ??= this.#later(MINUTES_EVERY_MS);
  }

  /** Writes everything that was counted. Resolves when it is stored, or could not be. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#writing;
    await this.#write(true);
  }

  #later(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const started = performance.now();
      const coarse = started - this.#coarseWrittenMs >= COARSE_EVERY_MS;
      this.#writing = this.#write(coarse).finally(() => {
        this.#writing = null;
        this.#timer = null;
        const pauseMs = Math.max(MINUTES_EVERY_MS, (performance.now() - started) * PAUSE_FACTOR);
        if (this.#minutes.size > 0) this.#timer = this.#later(pauseMs);
        else if (this.#coarse.size > 0) this.#timer = this.#later(COARSE_EVERY_MS);
      });
    }, ms);
  }

  async #write(coarse: boolean): Promise<void> {
    const minutes = this.#minutes;
    this.#minutes = new Map();
    await this.#store(minutes, this.#minutes);
    for (const [id, counts] of minutes) this.#countCoarse(id, counts);
    if (!coarse) return;
    this.#coarseWrittenMs = performance.now();
    const written = this.#coarse;
    this.#coarse = new Map();
    await this.#store(written, this.#coarse);
  }

  /** Leaves in `buckets` what was written, and moves the rest to `back`. */
  async #store(buckets: Buckets, back: Buckets): Promise<void> {
    if (buckets.size === 0) return;
    try {
      const again = await this.repository.add(buckets);
      for (const id of again) putBack(id, buckets, back);
    } catch (error) {
      for (const id of [...buckets.keys()]) putBack(id, buckets, back);
      this.log.warn({ err: error, buckets: buckets.size }, 'statistics not written yet');
    }
  }

  #countCoarse(id: string, counts: Counts): void {
    const subject = id.slice(0, id.indexOf(':'));
    const at = bucketStartMs(id, 'm');
    merge(countsOf(this.#coarse, bucketId(subject, 'h', at)), counts);
    merge(countsOf(this.#coarse, bucketId(subject, 'd', at)), counts);
  }
}

function countsOf(buckets: Buckets, id: string): Counts {
  let counts = buckets.get(id);
  if (counts === undefined) buckets.set(id, (counts = new Map()));
  return counts;
}

function merge(into: Counts, from: Counts): void {
  for (const [path, by] of from) add(into, path, by);
}

function putBack(id: string, buckets: Buckets, back: Buckets): void {
  merge(countsOf(back, id), buckets.get(id)!);
  buckets.delete(id);
}
