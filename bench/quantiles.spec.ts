import { median, quantiles } from './quantiles.js';

describe('quantiles', () => {
  it('are values that occurred, by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantiles(values)).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 });
    expect(quantiles([7])).toEqual({ p50: 7, p95: 7, p99: 7, max: 7 });
    expect(quantiles([]).p50).toBeNaN();
  });

  it('have a median that is not rounded, the lower one of two in the middle', () => {
    expect(median([3, 1.2345, 0])).toBe(1.2345);
    expect(median([4, 1, 3, 2])).toBe(2);
    expect(median([])).toBeNaN();
  });
});
