import { ksuid, ksuidTimeMs } from '../ksuid.js';
import { dueAt, idWindow, pageRows, replayedStates } from './replay-selection.js';

const tail = Buffer.alloc(12, 255);
const noTail = Buffer.alloc(12);

describe('what a task takes', () => {
  const states = (kind: 'endpoint.recover' | 'endpoint.bulk-replay', status: number | null) =>
    replayedStates(kind, { status }).map(({ state, reasons }) =>
      reasons === null ? state : `${state} for a reason`,
    );

  it('recover takes what failed, not what an operator canceled', () => {
    expect(states('endpoint.recover', null)).toEqual(['exhausted', 'canceled for a reason']);
    expect(replayedStates('endpoint.recover', { status: null })[1]?.reasons).not.toContain(
      'canceled_by_operator',
    );
  });

  it('bulk replay takes what was delivered and what failed, or what its status says', () => {
    expect(states('endpoint.bulk-replay', null)).toEqual(['delivered', 'exhausted', 'canceled for a reason']);
    expect(states('endpoint.bulk-replay', 0)).toEqual(['delivered']);
    expect(states('endpoint.bulk-replay', 4)).toEqual(['canceled']);
    expect(states('endpoint.bulk-replay', 1)).toEqual(['retrying']);
  });
});

describe('the ids of a window', () => {
  it('hold what was accepted in its first millisecond and nothing of its last', () => {
    for (let ms = 1_800_000_000_000; ms < 1_800_000_002_000; ms++) {
      const message = ksuid(ms, 0, noTail);
      // A delivery's id is made from the time in its message's id.
      const delivery = `dlv_${ksuid(ksuidTimeMs(message), 0, noTail)}`;
      const { from, to } = idWindow('dlv', { since: new Date(ms), until: new Date(ms + 1) });
      expect(delivery >= from && delivery < to).toBe(true);
      const earlier = `dlv_${ksuid(ksuidTimeMs(ksuid(ms - 1, 0xffff, tail)), 0xffff, tail)}`;
      expect(earlier < from).toBe(true);
    }
  });
});

describe('the rate of a task', () => {
  it('spreads messages evenly, and a page reaches at most five seconds ahead', () => {
    expect([0, 1, 50, 75].map((n) => dueAt(0, n, 50).getTime())).toEqual([0, 20, 1000, 1500]);
    for (const rate of [1, 7, 50, 1000]) expect((pageRows(rate) * 1000) / rate).toBeLessThanOrEqual(5000);
    expect(pageRows(1000)).toBe(500);
  });
});
