import { TokenBucket } from '../../domain/token-bucket.js';

const MAX_BUCKETS = 10_000;

/** How many messages a second applications may send to this process, with one second of burst. */
export class AcceptRates {
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** Counts a message. @returns how long until the next is allowed, milliseconds; 0 when this one is */
  waitMs(application: string, perSec: number | null): number {
    if (perSec === null) return 0;
    const now = this.nowMs();
    let bucket = this.#buckets.get(application);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.clear();
      bucket = new TokenBucket(perSec, { tokens: perSec, atMs: now });
      this.#buckets.set(application, bucket);
    }
    bucket.setRate(perSec, now);
    const waitMs = bucket.waitMs(now);
    if (waitMs === 0) bucket.take(now);
    return waitMs;
  }
}
