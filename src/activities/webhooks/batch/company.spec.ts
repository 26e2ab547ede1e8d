import { Company } from './company.js';

const MIB = 1024 * 1024;
const company = (followers = 0) =>
  new Company<number>({ followers: () => followers, bytes: (bytes) => bytes });
const limits = { max: 3, maxWaitMs: 100 };

describe('deliveries that wait for company', () => {
  it('go when one of them has waited long enough', () => {
    const waiting = company();
    expect(waiting.waitMs(0)).toBeNull();
    waiting.add(1, limits, 10);
    waiting.add(2, limits, 50);
    expect([waiting.waitMs(50), waiting.waitMs(110)]).toEqual([60, 0]);
    expect(waiting.take()).toEqual([1, 2]);
    expect(waiting.waitMs(500)).toBeNull();
  });

  it('go at once when they are enough, and the rest waits on', () => {
    const waiting = company();
    for (const one of [1, 2, 3, 4]) waiting.add(one, limits, 0);
    expect(waiting.waitMs(0)).toBe(0);
    expect(waiting.take()).toEqual([1, 2, 3]);
    expect(waiting.waitMs(0)).toBe(100);
  });

  it('are enough with those that stand behind one of them', () => {
    const waiting = company(2);
    waiting.add(1, limits, 0);
    expect(waiting.waitMs(0)).toBe(0);
  });

  it('go in requests of at most 1 MiB, one that is longer alone', () => {
    const waiting = company();
    for (const bytes of [MIB + 1, MIB / 2, MIB / 2, 1]) waiting.add(bytes, { ...limits, max: 100 }, 0);
    expect(waiting.waitMs(0)).toBe(0);
    expect(waiting.take()).toEqual([MIB + 1]);
    expect(waiting.take()).toEqual([MIB / 2, MIB / 2]);
    expect([waiting.waitMs(0), waiting.take()]).toEqual([100, [1]]);
  });

  it('do not wait where the endpoint does not want them to', () => {
    const waiting = company();
    waiting.add(1, { max: 100, maxWaitMs: 0 }, 7);
    expect(waiting.waitMs(7)).toBe(0);
  });
});
