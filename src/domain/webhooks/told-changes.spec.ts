import { changedSince, changesSeen, changeToken, MOST_TOLD } from './told-changes.js';
import type { TellingRow } from './told-changes.js';

const [A, B, C] = ['ep_a', 'ep_b', 'ep_c'].map((ep) => changeToken(ep, '1'));
const row = (rev: number, told: number, open: string[] = [], ended: string[] = []): TellingRow => ({
  rev,
  changes: { told, open, ended },
});
const changed = (seen: TellingRow, now: TellingRow) => {
  const found = changedSince(changesSeen(seen), now);
  return found === null ? null : [...found];
};

describe('what an application tells of its endpoints', () => {
  it('is nothing while nothing changes', () => {
    expect(changed({ rev: 7 }, { rev: 7 })).toEqual([]);
    expect(changed(row(7, 4, [], [A!]), row(7, 4, [], [A!]))).toEqual([]);
    expect(changed(row(7, 4, [], [A!]), row(8, 5, [], [A!]))).toEqual([]);
  });

  it('is what ended since, also where nothing had been told before', () => {
    expect(changed(row(7, 4, [B!], [A!]), row(10, 7, [], [A!, B!, C!]))).toEqual(['ep_b', 'ep_c']);
    expect(changed({ rev: 7 }, row(9, 2, [], [A!]))).toEqual(['ep_a']);
  });

  it('is what is open each time, because it may be written at any time', () => {
    const open = row(8, 5, [B!], [A!]);
    expect(changed(open, open)).toEqual(['ep_b']);
    expect(changed(open, row(10, 7, [B!], [A!, C!]))).toEqual(['ep_c', 'ep_b']);
  });

  it('cannot be told after a change that told nothing', () => {
    expect(changed(row(7, 4), row(8, 4))).toBeNull();
    expect(changed(row(7, 4, [], [A!]), row(10, 6, [], [A!, B!]))).toBeNull();
  });

  it('cannot be told to whom missed more than is kept', () => {
    const many = Array.from({ length: MOST_TOLD }, (_, n) => changeToken('ep_x', String(n)));
    expect(changed(row(7, 4, [], [A!]), row(7 + 2 * MOST_TOLD, 4 + 2 * MOST_TOLD, [], many))).toBeNull();
    expect(changed(row(7, 4), row(7 + 2 * MOST_TOLD, 4 + 2 * MOST_TOLD, [], many))).toBeNull();
  });

  it('cannot be told to whom saw a change that a new primary does not have', () => {
    expect(changed(row(9, 6, [], [A!, B!]), row(9, 6, [], [A!, C!]))).toBeNull();
  });
});
