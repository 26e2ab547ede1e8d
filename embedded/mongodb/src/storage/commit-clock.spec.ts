import { CommitClock, fromTimestamp, toTimestamp } from './commit-clock.js';

test('times ascend strictly, also from a last time in the future', () => {
  const ahead = new CommitClock(0).next() + 10 * 2 ** 21;
  const clock = new CommitClock(ahead);
  const times = [clock.next(), clock.next(), clock.next()];
  expect(times).toEqual([ahead + 1, ahead + 2, ahead + 3]);
});

test('a time is a BSON timestamp and back', () => {
  const time = new CommitClock(0).next();
  const timestamp = toTimestamp(time);
  expect(fromTimestamp(timestamp)).toBe(time);
  expect(Math.abs(timestamp.getHighBitsUnsigned() - Date.now() / 1000)).toBeLessThan(2);
});
