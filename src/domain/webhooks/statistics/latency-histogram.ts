/**
 * Times in buckets whose bounds grow by a constant factor, so that any quantile is known within `MAX_ERROR` of its value
 * and histograms of different times and processes add up (the idea of DDSketch, https://arxiv.org/abs/1908.10693).
 * How many there are by the number of their bucket.
 */
export type Histogram = readonly (number | undefined)[];

/** Half the width of a bucket, as a share of its middle. */
export const MAX_ERROR = 0.04;
const GROWTH = (1 + MAX_ERROR) / (1 - MAX_ERROR);
const LOG_GROWTH = Math.log(GROWTH);

/** The bucket of a time in milliseconds; below 1 ms there is one. A day is in bucket 229. */
export const bucketOfMs = (ms: number): number => (ms <= 1 ? 0 : Math.ceil(Math.log(ms) / LOG_GROWTH));

const middleMs = (bucket: number): number => (bucket === 0 ? 1 : (2 * GROWTH ** bucket) / (GROWTH + 1));

/** A quantile by nearest rank, in milliseconds; null when there are no values. @param share from 0 to 1 */
export function quantileMs(histogram: Histogram, share: number): number | null {
  let total = 0;
  for (const count of histogram) total += count ?? 0;
  let rank = Math.max(1, Math.ceil(share * total));
  for (const [bucket, count = 0] of histogram.entries()) {
    rank -= count;
    if (rank <= 0) return middleMs(bucket);
  }
  return null;
}
