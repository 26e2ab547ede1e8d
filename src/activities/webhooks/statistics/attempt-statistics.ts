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
  #minutesTimer: NodeJS.Timeout | null = null;
  #coarseTimer: NodeJS.Timeout | null = null;
  #pauseMs = MINUTES_EVERY_MS;
  /** One write at a time. */
  #writing: Promise<void> = Promise.resolve();

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
    this.#schedule();
  }

  /** Writes everything that was counted. Resolves when it is stored, or could not be. */
  async close(): Promise<void> {
    await this.#writeMinutes();
    await this.#writeCoarse();
    this.#clearTimers();
  }

  #schedule(): void {
    if (this.#minutes.size > 0) {
      this.#minutesTimer ??= setTimeout(() => void this.#writeMinutes(), this.#pauseMs);
    }
    if (this.#coarse.size > 0) {
      this.#coarseTimer ??= setTimeout(() => void this.#writeCoarse(), COARSE_EVERY_MS);
    }
  }

  #clearTimers(): void {
    if (this.#minutesTimer !== null) clearTimeout(this.#minutesTimer);
    if (this.#coarseTimer !== null) clearTimeout(this.#coarseTimer);
    this.#minutesTimer = null;
    this.#coarseTimer = null;
  }

  #writeMinutes(): Promise<void> {
    return this.#oneByOne(async () => {
      if (this.#minutesTimer !== null) clearTimeout(this.#minutesTimer);
      this.#minutesTimer = null;
      const minutes = this.#minutes;
      this.#minutes = new Map();
      const started = performance.now();
      await this.#store(minutes, this.#minutes);
      this.#pauseMs = Math.max(MINUTES_EVERY_MS, (performance.now() - started) * PAUSE_FACTOR);
      for (const [id, counts] of minutes) this.#countCoarse(id, counts);
    });
  }

  #writeCoarse(): Promise<void> {
    return this.#oneByOne(async () => {
      if (this.#coarseTimer !== null) clearTimeout(this.#coarseTimer);
      this.#coarseTimer = null;
      const coarse = this.#coarse;
      this.#coarse = new Map();
      await this.#store(coarse, this.#coarse);
    });
  }

  #oneByOne(write: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(write).then(() => this.#schedule());
    return this.#writing;
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
