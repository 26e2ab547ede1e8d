import { jest } from '@jest/globals';
import { DispatchQueue } from './dispatch-queue.js';
import type { DispatchSlot } from './dispatch-queue.js';

const limits = { lane: 8, endpoint: 3, most: 6, queued: 10 };
const takeAll = (queue: DispatchQueue<string>) => {
  const slots: DispatchSlot<string>[] = [];
  for (let slot = queue.take(); slot !== null; slot = queue.take()) slots.push(slot);
  return slots;
};
const items = (slots: DispatchSlot<string>[]) => slots.flatMap((slot) => slot.items);
const fill = (queue: DispatchQueue<string>, endpoint: string, count: number) => {
  for (let i = 1; i <= count; i++) queue.add(endpoint, `${endpoint}${i}`);
};
const endAll = (slots: DispatchSlot<string>[]) => slots.forEach((slot) => slot.end());

describe('dispatch queue', () => {
  it('lets endpoints take turns, each up to its own limit', () => {
    const queue = new DispatchQueue<string>(limits);
    fill(queue, 'a', 5);
    fill(queue, 'b', 2);
    const slots = takeAll(queue);
    expect(items(slots)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
    slots[0]!.end();
    expect(items(takeAll(queue))).toEqual(['a4']);
    endAll(slots.slice(1));
  });

  it('does not go beyond the limit of the lane', () => {
    const queue = new DispatchQueue<string>(limits);
    for (const endpoint of ['a', 'b', 'c', 'd']) fill(queue, endpoint, 3);
    const slots = takeAll(queue);
    expect(slots).toHaveLength(8);
    slots[7]!.end();
    const more = takeAll(queue);
    expect(more).toHaveLength(1);
    endAll([...slots.slice(0, 7), ...more]);
  });

  it('gives the lane slot of a try back after a second, but not the slot of its endpoint', () => {
    jest.useFakeTimers();
    const queue = new DispatchQueue<string>({ lane: 3, endpoint: 3, most: 3, queued: 10 });
    fill(queue, 'hanging', 5);
    const hanging = takeAll(queue);
    fill(queue, 'healthy', 2);
    expect(queue.take()).toBeNull();
    jest.advanceTimersByTime(1001);
    const healthy = takeAll(queue);
    expect(items(healthy)).toEqual(['healthy1', 'healthy2']);
    endAll([...hanging, ...healthy]);
    jest.useRealTimers();
  });

  it('takes no more rows of an endpoint than it may keep, and says when there is room again', () => {
    let rooms = 0;
    const queue = new DispatchQueue<string>(limits, { room: () => (rooms += 1) });
    const rows = Array.from({ length: 12 }, () => ({ ep: 'a' }));
    expect(queue.withRoom([...rows, { ep: 'b' }])).toHaveLength(11);
    fill(queue, 'a', 10);
    expect(queue.full()).toEqual(['a']);
    for (let done = 0; done < 4; done++) queue.take()!.end();
    expect(rooms).toBe(0);
    queue.take()!.end();
    expect(rooms).toBe(1);
    expect(queue.full()).toEqual([]);
  });

  it('is full until half of what it may keep is gone, so that it is not filled row by row', () => {
    const queue = new DispatchQueue<string>(limits);
    const rows = Array.from({ length: 12 }, () => ({ ep: 'a' }));
    fill(queue, 'a', queue.withRoom(rows).length);
    const fullAfter = Array.from({ length: 6 }, () => {
      queue.take()!.end();
      return queue.full().length;
    });
    expect(fullAfter).toEqual([1, 1, 1, 1, 0, 0]);
  });

  it('sheds what waits behind an endpoint that answers nothing', () => {
    let now = 0;
    const queue = new DispatchQueue<string>(limits, {}, () => now);
    fill(queue, 'hanging', 10);
    const slots = takeAll(queue);
    expect(queue.shed()).toEqual([]);
    now += 1500;
    expect(queue.shed()).toHaveLength(4);
    expect(queue.queued).toBe(3);
    expect(queue.full()).toEqual(['hanging']);
    endAll(slots);
  });

  it('halves the rate of an endpoint that asks for it, again and again, for a time', () => {
    let now = 0;
    const queue = new DispatchQueue<string>({ lane: 100, endpoint: 8, most: 25, queued: 100 }, {}, () => now);
    const running = () => {
      const slots = takeAll(queue);
      endAll(slots);
      return slots.length;
    };
    queue.slowDown('a', 60_000);
    fill(queue, 'a', 4);
    queue.slowDown('a', 60_000);
    fill(queue, 'a', 4);
    const slots = takeAll(queue);
    expect(slots).toHaveLength(2);
    now += 60_000;
    endAll(slots);
    expect(running()).toBe(6);
  });

  it('counts the tries that somebody else makes at an endpoint', () => {
    const queue = new DispatchQueue<string>(limits);
    const others = [queue.occupy('a'), queue.occupy('a')];
    fill(queue, 'a', 5);
    const slots = takeAll(queue);
    expect(items(slots)).toEqual(['a1']);
    others[0]!();
    slots.push(...takeAll(queue));
    expect(items(slots)).toEqual(['a1', 'a2']);
    others[1]!();
    endAll([...slots, ...takeAll(queue)]);
  });

  it('hands back everything that waits', () => {
    const queue = new DispatchQueue<string>(limits);
    fill(queue, 'a', 5);
    const slot = queue.take()!;
    expect(queue.clear()).toEqual(['a2', 'a3', 'a4', 'a5']);
    expect([queue.queued, queue.active, queue.take()]).toEqual([0, 1, null]);
    slot.end();
  });

  it('makes as many tries at a time as an endpoint wants, within what the lane allows one of them', () => {
    const queue = new DispatchQueue<string>(limits);
    const wants = (concurrency: number) => ({ concurrency, ratePerSec: null });
    for (let i = 0; i < 10; i++) queue.add('few', `f${i}`, wants(1));
    for (let i = 0; i < 10; i++) queue.add('many', `m${i}`, wants(200));
    const slots = takeAll(queue);
    expect(items(slots).filter((item) => item.startsWith('f'))).toHaveLength(1);
    expect(items(slots).filter((item) => item.startsWith('m'))).toHaveLength(6);
    endAll(slots);
  });

  it('keeps the rate of an endpoint, and the others do not wait for it', () => {
    jest.useFakeTimers();
    let runnable = 0;
    const queue = new DispatchQueue<string>(limits, { runnable: () => (runnable += 1) }, () => Date.now());
    for (let i = 0; i < 50; i++) queue.add('rated', `r${i}`, { concurrency: 5, ratePerSec: 10 });
    queue.add('other', 'o1');
    const first = takeAll(queue);
    expect(items(first)).toEqual(['r0', 'o1']);
    endAll(first);
    let taken = 0;
    for (let ms = 0; ms < 3000; ms += 10) {
      jest.advanceTimersByTime(10);
      const slots = takeAll(queue);
      taken += slots.length;
      endAll(slots);
    }
    expect(taken).toBeGreaterThanOrEqual(28);
    expect(taken).toBeLessThanOrEqual(30);
    expect(runnable).toBeGreaterThan(20);
    queue.clear();
    jest.useRealTimers();
  });

  it('gives back what waits for one endpoint', () => {
    const queue = new DispatchQueue<string>(limits);
    fill(queue, 'a', 5);
    fill(queue, 'b', 1);
    const slot = queue.take()!;
    expect(queue.remove('a')).toEqual(['a2', 'a3', 'a4', 'a5']);
    const rest = takeAll(queue);
    expect(items(rest)).toEqual(['b1']);
    endAll([slot, ...rest]);
  });

  describe('for an endpoint that takes deliveries together', () => {
    const batch = { max: 3, maxWaitMs: 100 };
    const wants = { concurrency: 2, ratePerSec: null, batch };

    it('hands out as many as a request may bring, and fewer when one has waited long enough', () => {
      jest.useFakeTimers();
      let runnable = 0;
      const on = { runnable: () => (runnable += 1) };
      const queue = new DispatchQueue<string>(limits, on, () => Date.now());
      for (let i = 1; i <= 4; i++) queue.add('a', `a${i}`, wants);
      const first = takeAll(queue);
      expect(first.map((slot) => slot.items)).toEqual([['a1', 'a2', 'a3']]);
      expect(queue.queued).toBe(1);
      jest.advanceTimersByTime(99);
      expect([queue.take(), runnable]).toEqual([null, 0]);
      jest.advanceTimersByTime(1);
      expect(runnable).toBe(1);
      const second = takeAll(queue);
      expect(items(second)).toEqual(['a4']);
      endAll([...first, ...second]);
      jest.useRealTimers();
    });

    it('lets what must go alone take turns with them', () => {
      const queue = new DispatchQueue<string>(limits);
      for (let i = 1; i <= 6; i++) queue.add('a', `a${i}`, wants);
      for (let i = 1; i <= 2; i++) queue.add('a', `alone${i}`, { ...wants, batch: null });
      const handedOut: string[][] = [];
      for (let slot = queue.take(); slot !== null; slot = queue.take()) {
        handedOut.push(slot.items);
        slot.end();
      }
      expect(handedOut).toEqual([['alone1'], ['a1', 'a2', 'a3'], ['alone2'], ['a4', 'a5', 'a6']]);
    });

    it('makes as many requests at a time as it wants, and counts requests against its rate', () => {
      const queue = new DispatchQueue<string>({ ...limits, queued: 100 }, {}, () => 0);
      for (let i = 0; i < 12; i++) queue.add('a', `a${i}`, wants);
      const slots = takeAll(queue);
      expect(slots.map((slot) => slot.items.length)).toEqual([3, 3]);
      for (let i = 0; i < 12; i++) queue.add('rated', `r${i}`, { ...wants, ratePerSec: 1 });
      const rated = takeAll(queue);
      expect(rated.map((slot) => slot.items.length)).toEqual([3]);
      queue.clear();
      endAll([...slots, ...rated]);
    });
  });
});
