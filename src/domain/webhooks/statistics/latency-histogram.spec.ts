import { bucketOfMs, MAX_ERROR, quantileMs } from './latency-histogram.js';

function histogramOf(values: number[]): number[] {
  const histogram: number[] = [];
  for (const value of values) {
    const bucket = bucketOfMs(value);
    histogram[bucket] = (histogram[bucket] ?? 0) + 1;
  }
  return histogram;
}

const exact = (values: number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1]!;

describe('a latency histogram', () => {
  it.each([0.5, 0.9, 0.95, 0.99, 1])('knows the quantile %p within 5 %% of the exact one', (share) => {
    let seed = 42;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    for (let set = 0; set < 200; set++) {
      const spread = 10 ** (1 + random() * 6);
      const values = Array.from(
        { length: 1 + Math.floor(random() * 300) },
        () => 1 + Math.round(random() * spread),
      );
      const want = exact(values, share);
      expect(Math.abs(quantileMs(histogramOf(values), share)! - want) / want).toBeLessThanOrEqual(
        MAX_ERROR + 1e-9,
      );
    }
  });

  it('has no quantile without values', () => expect(quantileMs([], 0.95)).toBeNull());

  it('holds a day in 230 buckets', () => expect(bucketOfMs(86_400_000)).toBeLessThan(230));
});
