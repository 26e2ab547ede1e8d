import { RowsInHand } from './rows-in-hand.js';

const row = { _id: 'dlv_1', rev: 3 };

describe('rows in hand', () => {
  it('are taken once', () => {
    const rows = new RowsInHand();
    rows.take(row);
    expect([rows.isFree(row), rows.isFree({ ...row, rev: 4 })]).toEqual([false, false]);
    expect(rows.size).toBe(1);
  });

  it('are not taken again from a read that began before their result was stored', () => {
    const rows = new RowsInHand();
    rows.take(row);
    rows.finish(row);
    expect([rows.isFree(row), rows.size]).toEqual([false, 0]);
  });

  it('are taken again for their next try', () => {
    const rows = new RowsInHand();
    rows.take(row);
    rows.finish(row);
    expect(rows.isFree({ ...row, rev: 4 })).toBe(true);
  });

  it('are taken again at once when they were put back untried', () => {
    const rows = new RowsInHand();
    rows.take(row);
    rows.putBack(row);
    expect(rows.isFree(row)).toBe(true);
  });

  it('tell once since when rows were put back', () => {
    const rows = new RowsInHand();
    for (const ms of [2000, 1000, 3000]) rows.putBack({ ...row, q: { at: new Date(ms) } });
    expect([rows.takeBackSinceMs(), rows.takeBackSinceMs()]).toEqual([1000, Number.POSITIVE_INFINITY]);
  });

  it('are forgotten when no read can be that old any more', () => {
    let now = 0;
    const rows = new RowsInHand(() => now);
    rows.take(row);
    rows.finish(row);
    for (const other of ['a', 'b']) {
      now += 10_000;
      expect(rows.isFree(row)).toBe(false);
      rows.take({ _id: other, rev: 0 });
      rows.finish({ _id: other, rev: 0 });
    }
    expect(rows.isFree(row)).toBe(true);
  });
});
