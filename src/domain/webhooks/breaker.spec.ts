import { BreakerWindow, DrainRamp, probeWaitMs } from './breaker.js';

/** @returns the number of the try that opened it; null when none did */
function tripsAt(tries: boolean[], stepMs = 100): number | null {
  const window = new BreakerWindow();
  for (const [index, ok] of tries.entries()) if (window.record(null, ok, index * stepMs)) return index + 1;
  return null;
}

describe('a breaker', () => {
  it('opens at the tenth try when seven of ten failed', () => {
    expect(tripsAt([true, true, true, ...Array.from({ length: 7 }, () => false)])).toBe(10);
    expect(tripsAt([true, true, true, true, ...Array.from({ length: 6 }, () => false)])).toBeNull();
    expect(tripsAt(Array.from({ length: 9 }, () => false))).toBeNull();
  });

  it('forgets tries of more than 30 seconds ago', () => {
    expect(
      tripsAt(
        Array.from({ length: 20 }, () => false),
        5000,
      ),
    ).toBeNull();
    expect(
      tripsAt(
        Array.from({ length: 20 }, () => false),
        2000,
      ),
    ).toBe(10);
  });

  it('opens after five tries in a row that did not reach the receiver', () => {
    const window = new BreakerWindow();
    const refused = () => window.record('connection_refused', false, 0);
    expect([refused(), refused(), refused(), refused()]).toEqual([false, false, false, false]);
    expect(window.record(null, true, 0)).toBe(false);
    expect([refused(), refused(), refused(), refused(), refused()].at(-1)).toBe(true);
  });
});

describe('a drain', () => {
  it('goes faster while everything is taken', () => {
    const ramp = new DrainRamp();
    const at: number[] = [];
    for (let n = 0; n < 16; n++) {
      ramp.record(true);
      at.push(ramp.concurrency);
    }
    expect(at).toEqual([2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 16, 16]);
  });

  it('is over after five failures in a row, not after five in all', () => {
    const ramp = new DrainRamp();
    for (let n = 0; n < 10; n++) ramp.record(n % 2 === 0);
    expect(ramp.isOver).toBe(false);
    for (let n = 0; n < 5; n++) ramp.record(false);
    expect(ramp.isOver).toBe(true);
  });
});

describe('probes', () => {
  it('come after 5 s, then twice as long each time, up to 5 minutes, later by up to a fifth', () => {
    const times = { firstMs: 5000, maxMs: 300_000 };
    expect([0, 1, 2, 6, 50].map((probeNo) => probeWaitMs(probeNo, 0, times))).toEqual([
      5000, 10_000, 20_000, 300_000, 300_000,
    ]);
    expect(probeWaitMs(0, 1, times)).toBe(6000);
    expect(probeWaitMs(0, 1, times, 60_000)).toBe(60_000);
  });
});
