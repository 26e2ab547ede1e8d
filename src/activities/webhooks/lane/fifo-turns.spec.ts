import type { ReadyDelivery } from '../delivery-try.js';
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
});
