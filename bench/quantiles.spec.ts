import { quantiles } from './quantiles.js';

describe('quantiles', () => {
  it('are values that occurred, by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantiles(values)).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 });
    expect(quantiles([7])).toEqual({ p50: 7, p95: 7, p99: 7, max: 7 });
    expect(quantiles([]).p50).toBeNaN();
  });
});
