/** Half the width of a bucket, as a share of its middle. */
export const MAX_ERROR = 0.04;
const GROWTH = (1 + MAX_ERROR) / (1 - MAX_ERROR);
const LOG_GROWTH = Math.log(GROWTH);

export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
}

/** The bucket of a time in milliseconds; below 1 ms there is one. A day is in bucket 229. */
export const bucketOfMs = (ms: number): number => (ms <= 1 ? 0 : Math.ceil(Math.log(ms) / LOG_GROWTH));

const middleMs = (bucket: number): number => (bucket === 0 ? 1 : (2 * GROWTH ** bucket) / (GROWTH + 1));

/**
 * Times in buckets whose bounds grow by a constant factor, so that any quantile is known within `MAX_ERROR` of its value
 * and histograms of different times and processes add up (the idea of DDSketch, https://arxiv.org/abs/1908.10693).
 */
export class LatencyHistogram {
  /** As long as the highest bucket in use: many small histograms are made for one answer. */
  readonly #counts: number[] = [];
  #total = 0;

  add(bucket: number, count: number): void {
    while (this.#counts.length <= bucket) this.#counts.push(0);
    this.#counts[bucket]! += count;
    this.#total += count;
  }

  merge(other: LatencyHistogram): void {
    for (const [bucket, count] of other.#counts.entries()) this.add(bucket, count);
  }

  /** A quantile by nearest rank, in milliseconds; null when there are no values. @param share from 0 to 1 */
  quantileMs(share: number): number | null {
    if (this.#total === 0) return null;
    let rank = Math.max(1, Math.ceil(share * this.#total));
    let at = 0;
    while ((rank -= this.#counts[at]!) > 0) at += 1;
    return middleMs(at);
  }

  /** In milliseconds with two decimals; null when there are no values. */
  quantiles(): Quantiles | null {
    const at = (share: number) => Math.round((this.quantileMs(share) ?? 0) * 100) / 100;
    return this.#total === 0 ? null : { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}
