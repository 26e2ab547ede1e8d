import { TokenBucket } from './token-bucket.js';

const full = (perSec: number) => new TokenBucket(perSec, { tokens: perSec, atMs: 0 });

/** Takes whenever it may, until a time. @returns how often */
function takenUntil(bucket: TokenBucket, endMs: number): number {
  let taken = 0;
  for (let nowMs = 0; nowMs < endMs;) {
    const waitMs = bucket.waitMs(nowMs);
    if (waitMs === 0) {
      bucket.take(nowMs);
      taken += 1;
    } else {
      nowMs += waitMs;
    }
  }
  return taken;
}

describe('a rate', () => {
  it('is kept over time, with one second ahead at most', () => {
    const taken = takenUntil(full(10), 60_000);
    expect(taken).toBeGreaterThanOrEqual(600);
    expect(taken).toBeLessThanOrEqual(610);
  });

  it('does not save up more than one second', () => {
    const bucket = full(5);
    expect(takenUntil(bucket, 1)).toBe(5);
    for (let taken = 0; taken < 5; taken++) {
      expect(bucket.waitMs(60_000)).toBe(0);
      bucket.take(60_000);
    }
    expect(bucket.waitMs(60_000)).toBe(200);
  });

  it('may change while it is in use', () => {
    const bucket = full(1);
    bucket.take(0);
    expect(bucket.waitMs(0)).toBe(1000);
    bucket.setRate(10, 0);
    expect(bucket.waitMs(0)).toBe(100);
  });
});
