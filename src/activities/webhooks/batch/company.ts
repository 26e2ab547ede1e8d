import { MAX_BATCH_BYTES } from '../../../domain/webhooks/batch-body.js';

/** When deliveries that may go together do go. */
export interface BatchLimits {
  /** Deliveries in one request. */
  max: number;
  /** Longest wait for company. */
  maxWaitMs: number;
}

/** What one delivery adds to a batch. */
export interface CompanyMeasure<T> {
  /** Deliveries that come with it, because they may only go behind it. */
  followers: (item: T) => number;
  bytes: (item: T) => number;
}

/** Deliveries of one endpoint that wait for company: until they are enough, or one has waited long enough. */
export class Company<T> {
  readonly #waiting: { item: T; sinceMs: number }[] = [];
  limits: BatchLimits = { max: 1, maxWaitMs: 0 };

  constructor(private readonly measure: CompanyMeasure<T>) {}

  get size(): number {
    return this.#waiting.length;
  }

  /** @param sinceMs when it began to wait */
  add(item: T, limits: BatchLimits, sinceMs: number): void {
    this.limits = limits;
    this.#waiting.push({ item, sinceMs });
  }

  /** How long until a batch may go, 0 when one may now; null when nobody waits. */
  waitMs(nowMs: number): number | null {
    if (this.#waiting.length === 0) return null;
    let [count, bytes, oldestMs] = [0, 0, nowMs];
    for (const { item, sinceMs } of this.#waiting) {
      count += 1 + this.measure.followers(item);
      bytes += this.measure.bytes(item);
      oldestMs = Math.min(oldestMs, sinceMs);
      if (count >= this.limits.max || bytes >= MAX_BATCH_BYTES) return 0;
    }
    return Math.max(Math.ceil(oldestMs + this.limits.maxWaitMs - nowMs), 0);
  }

  /** Takes out what goes together now, in the order it came; the first always. */
  take(): T[] {
    let [count, bytes] = [0, 0];
    for (const { item } of this.#waiting) {
      bytes += this.measure.bytes(item);
      if (count > 0 && (count >= this.limits.max || bytes > MAX_BATCH_BYTES)) break;
      count += 1;
    }
    return this.takeOut(0, count);
  }

  /** Takes out `count` from `from` on; all when left out. */
  takeOut(from = 0, count = this.#waiting.length): T[] {
    return this.#waiting.splice(from, count).map(({ item }) => item);
  }
}
