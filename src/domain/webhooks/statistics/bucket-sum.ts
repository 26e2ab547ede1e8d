import { LatencyHistogram } from './latency-histogram.js';
import type { Quantiles } from './latency-histogram.js';

type Counters = Record<string, number>;

/** A bucket as it is stored; what is missing is 0. */
export interface CountedBucket {
  n?: number;
  bytes?: number;
  retries?: number;
  delivered?: number;
  first?: number;
  exhausted?: number;
  canceled?: number;
  c?: Counters;
  t?: Counters;
  l?: Counters;
}

/** Buckets of an endpoint added up. */
export interface BucketTotal {
  attempts: number;
  delivered: number;
  firstTry: number;
  retries: number;
  exhausted: number;
  canceled: number;
  classes: Counters;
  bytes: number;
  tryMs: Quantiles | null;
  deliveredMs: Quantiles | null;
}

/** Adds up buckets, and sums of buckets. */
export class BucketSum {
  readonly #counts = { n: 0, delivered: 0, first: 0, retries: 0, exhausted: 0, canceled: 0, bytes: 0 };
  readonly #classes = new Map<string, number>();
  readonly #tries = new LatencyHistogram();
  readonly #deliveries = new LatencyHistogram();

  static of(buckets: Iterable<CountedBucket>): BucketSum {
    const sum = new BucketSum();
    for (const bucket of buckets) sum.#add(bucket);
    return sum;
  }

  static total(sums: Iterable<BucketSum>): BucketSum {
    const total = new BucketSum();
    for (const sum of sums) total.#merge(sum);
    return total;
  }

  get total(): BucketTotal {
    const { n, delivered, first, retries, exhausted, canceled, bytes } = this.#counts;
    return {
      ...{ attempts: n, delivered, firstTry: first, retries, exhausted, canceled },
      classes: Object.fromEntries(this.#classes),
      bytes,
      tryMs: this.#tries.quantiles(),
      deliveredMs: this.#deliveries.quantiles(),
    };
  }

  #add(bucket: CountedBucket): void {
    this.#addCounts(bucket);
    for (const name in bucket.c) this.#addClass(name, bucket.c[name]!);
    for (const at in bucket.t) this.#tries.add(Number(at), bucket.t[at]!);
    for (const at in bucket.l) this.#deliveries.add(Number(at), bucket.l[at]!);
  }

  #merge(sum: BucketSum): void {
    this.#addCounts(sum.#counts);
    for (const [name, count] of sum.#classes) this.#addClass(name, count);
    this.#tries.merge(sum.#tries);
    this.#deliveries.merge(sum.#deliveries);
  }

  #addCounts(from: CountedBucket): void {
    const counts = this.#counts;
    for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += from[name] ?? 0;
  }

  #addClass(name: string, count: number): void {
    this.#classes.set(name, (this.#classes.get(name) ?? 0) + count);
  }
}
