import { duplicatesByKill, inversions } from './arrival-judge.js';

const log = (...arrivals: [id: string, key: string, atMs: number][]) =>
  arrivals.map(([id, key, atMs]) => ({ id, key, atMs }));

describe('the judge of arrivals', () => {
  it('finds a message that came after a later one of its key', () => {
    const arrivals = log(['m1', 'a', 1], ['m3', 'a', 2], ['m2', 'a', 3], ['m0', 'b', 4]);
    expect(inversions(arrivals)).toEqual(['a: m2 after m3']);
  });

  it('takes a repeat for no inversion', () => {
    expect(inversions(log(['m1', 'a', 1], ['m2', 'a', 2], ['m1', 'a', 3]))).toEqual([]);
  });

  it('counts a repeat for the kill before it, and how long before that it had come first', () => {
    const kills = [
      { victim: 'api', atMs: 10 },
      { victim: 'worker', atMs: 20 },
    ];
    const rows = duplicatesByKill([log(['m1', 'a', 1], ['m2', 'a', 18], ['m2', 'a', 25])], kills);
    expect(rows).toEqual([
      { victim: 'api', atMs: 10, duplicates: 0, oldestMs: 0 },
      { victim: 'worker', atMs: 20, duplicates: 1, oldestMs: 2 },
    ]);
  });
});
