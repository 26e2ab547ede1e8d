import { quantileMs } from './latency-histogram.js';

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

export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
}

/** Buckets of an endpoint added up. */
export interface BucketSum {
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

export function sumOf(buckets: readonly CountedBucket[]): BucketSum {
  const total = (name: 'n' | 'bytes' | 'retries' | 'delivered' | 'first' | 'exhausted' | 'canceled') =>
    buckets.reduce((sum, bucket) => sum + (bucket[name] ?? 0), 0);
  return {
    attempts: total('n'),
    delivered: total('delivered'),
    firstTry: total('first'),
    retries: total('retries'),
    exhausted: total('exhausted'),
    canceled: total('canceled'),
    classes: Object.fromEntries(added(buckets.map(({ c }) => c))),
    bytes: total('bytes'),
    tryMs: quantilesOf(buckets.map(({ t }) => t)),
    deliveredMs: quantilesOf(buckets.map(({ l }) => l)),
  };
}

function quantilesOf(all: readonly (Counters | undefined)[]): Quantiles | null {
  const histogram: number[] = [];
  for (const counters of all) {
    for (const key in counters) histogram[Number(key)] = (histogram[Number(key)] ?? 0) + counters[key]!;
  }
  const at = (share: number) => round(quantileMs(histogram, share) ?? 0);
  return histogram.length === 0 ? null : { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function added(all: (Counters | undefined)[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const counters of all) {
    for (const key in counters) sum.set(key, (sum.get(key) ?? 0) + counters[key]!);
  }
  return sum;
}

const round = (ms: number) => Math.round(ms * 100) / 100;
