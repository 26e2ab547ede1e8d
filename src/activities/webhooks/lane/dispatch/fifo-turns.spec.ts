import type { ReadyDelivery } from '../../ready-delivery.js';
import { FifoTurns } from './fifo-turns.js';

const delivery = (msg: string, fk?: string) =>
  ({ row: { _id: msg, msg, ep: 'ep_1', ...(fk === undefined ? {} : { fk }) } }) as unknown as ReadyDelivery;

describe('turns', () => {
  it('let one of a key go at a time, in the order they came', () => {
    const turns = new FifoTurns();
    const [a, b, c] = [delivery('a', 'k'), delivery('b', 'k'), delivery('c', 'k')];
    expect([turns.enter(a), turns.enter(b), turns.enter(c)]).toEqual([true, false, false]);
    expect(turns.leave(a.row, true).next).toBe(b);
    expect(turns.leave(b.row, true).next).toBe(c);
    expect(turns.leave(c.row, true)).toEqual({ next: null, waiting: [] });
    expect(turns.busyKeys('ep_1')).toEqual([]);
  });

  it('do not let other keys, or deliveries without one, wait', () => {
    const turns = new FifoTurns();
    expect(
      [delivery('a', 'k'), delivery('b', 'l'), delivery('c'), delivery('d')].map((d) => turns.enter(d)),
    ).toEqual([true, true, true, true]);
    expect(turns.busyKeys('ep_1').toSorted()).toEqual(['k', 'l']);
  });

  it('are not passed on by a delivery that ends without having had its turn', () => {
    const turns = new FifoTurns();
    const [a, b, c] = [delivery('a', 'k'), delivery('b', 'k'), delivery('c', 'k')];
    turns.enter(a);
    turns.enter(b);
    expect(turns.leave(c.row, true)).toEqual({ next: null, waiting: [] });
    expect(turns.leave(a.row, true).next).toBe(b);
  });

  it('give back those behind one that failed', () => {
    const turns = new FifoTurns();
    const [a, b, c] = [delivery('a', ''), delivery('b', ''), delivery('c', '')];
    for (const one of [a, b, c]) turns.enter(one);
    expect(turns.leave(a.row, false)).toEqual({ next: null, waiting: [b, c] });
    expect(turns.enter(b)).toBe(true);
  });

  it('are had together by deliveries of one request, and passed on when all of them have ended', () => {
    const turns = new FifoTurns();
    const [a, b, c, d] = [delivery('a', 'k'), delivery('b', 'k'), delivery('c', 'k'), delivery('d', 'k')];
    for (const one of [a, b, c, d]) turns.enter(one);
    expect(turns.behind(a)).toBe(3);
    expect(turns.withFollowers(a, (one) => one !== c)).toEqual([a, b]);
    expect(turns.leave(b.row, true)).toEqual({ next: null, waiting: [] });
    expect(turns.leave(a.row, true).next).toBe(c);
  });

  it('are not passed on when one of the request failed: the others behind it wait for it', () => {
    const turns = new FifoTurns();
    const [a, b, c] = [delivery('a', 'k'), delivery('b', 'k'), delivery('c', 'k')];
    for (const one of [a, b, c]) turns.enter(one);
    turns.withFollowers(a, (one) => one === b);
    expect(turns.leave(a.row, false)).toEqual({ next: null, waiting: [] });
    expect(turns.leave(b.row, true)).toEqual({ next: null, waiting: [c] });
  });

  it('are given back by those that do not go in the request after all, without losing their place', () => {
    const turns = new FifoTurns();
    const [a, b, c, d] = [delivery('a', 'k'), delivery('b', 'k'), delivery('c', 'k'), delivery('d', 'l')];
    for (const one of [a, b, c, d]) turns.enter(one);
    turns.withFollowers(a, () => true);
    expect(turns.stepBack([b, c, d])).toEqual([d]);
    expect(turns.leave(a.row, true).next).toBe(b);
    expect(turns.leave(b.row, true).next).toBe(c);
  });

  it('are not had by one that was loaded while the line it was to stand in failed', () => {
    const turns = new FifoTurns();
    const [a, b] = [delivery('a', 'k'), delivery('b', 'k')];
    turns.enter(a);
    turns.expect(b.row);
    expect(turns.isLate(b.row)).toBe(false);
    turns.leave(a.row, false);
    expect(turns.isLate(b.row)).toBe(true);
  });
});
