import { bucketOfMs, LatencyHistogram, MAX_ERROR } from './latency-histogram.js';

function histogramOf(values: number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.add(bucketOfMs(value), 1);
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
      expect(Math.abs(histogramOf(values).quantileMs(share)! - want) / want).toBeLessThanOrEqual(
        MAX_ERROR + 1e-9,
      );
    }
  });

  it('of two others has the quantiles of all their values', () => {
    const [few, many] = [[3, 9, 400_000], Array.from({ length: 90 }, (_, n) => n * 7)];
    const both = histogramOf(few);
    both.merge(histogramOf(many));
    expect(both.quantiles()).toEqual(histogramOf([...few, ...many]).quantiles());
  });

  it('has no quantile without values', () => expect(new LatencyHistogram().quantileMs(0.95)).toBeNull());

  it('holds a day in 230 buckets', () => expect(bucketOfMs(86_400_000)).toBeLessThan(230));
});
