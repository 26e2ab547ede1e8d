import { DEFAULT_SCHEDULE_SEC, nextWaitMs, scheduleInForce, waitsSec } from './retry-schedule.js';

describe('retry schedule', () => {
  it('waits 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h and then gives up', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((tries) => nextWaitMs(tries, 0));
    expect(waits).toEqual([5e3, 300e3, 1800e3, 7200e3, 18_000e3, 36_000e3, 36_000e3, null]);
    expect(DEFAULT_SCHEDULE_SEC.reduce((sum, sec) => sum + sec, 0) / 3600).toBeCloseTo(27.6, 1);
  });

  it('is later by up to a fifth, never earlier', () => {
    expect(nextWaitMs(1, 0)).toBe(5000);
    expect(nextWaitMs(1, 0.5)).toBe(5500);
    expect(nextWaitMs(1, 1 - Number.EPSILON)).toBe(6000);
  });

  it('waits at least as long as the receiver asked', () => {
    expect(nextWaitMs(1, 0, 60_000)).toBe(60_000);
    expect(nextWaitMs(2, 0, 60_000)).toBe(300_000);
  });

  it('does not go on after its end because the receiver asked for a wait', () => {
    expect(nextWaitMs(8, 0, 60_000)).toBeNull();
    expect(nextWaitMs(2, 0, 0, [1])).toBeNull();
  });

  it('may grow by a factor up to a longest wait, for a number of tries', () => {
    expect(waitsSec({ base: 2, factor: 3, max: 20, tries: 5 })).toEqual([2, 6, 18, 20]);
    expect(waitsSec([7, 8])).toEqual([7, 8]);
  });

  it('is that of the endpoint, else the event type, else the application, else the environment', () => {
    expect(scheduleInForce([[1], [2], [3], [4]])).toEqual([1]);
    expect(scheduleInForce([null, undefined, [3], [4]])).toEqual([3]);
    expect(scheduleInForce([null, null, null, undefined])).toBe(DEFAULT_SCHEDULE_SEC);
  });
});
