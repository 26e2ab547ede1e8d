import { retryAfterMs } from './retry-after.js';

const now = Date.parse('2026-11-08T08:00:00Z');

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7000],
    ['1.2', 2000],
    ['0.001', 1000],
    ['86400', 86_400_000],
    ['86401', 86_400_000],
    ['999999999999', 86_400_000],
  ])('takes seconds, decimals rounded up, at most a day: "%s"', (text, ms) => {
    expect(retryAfterMs(text, now)).toBe(ms);
  });

  it.each([
    ['Sun, 08 Nov 2026 08:00:30 GMT', 30_000],
    ['Sunday, 08-Nov-26 08:01:00 GMT', 60_000],
    ['Sun Nov  8 08:02:00 2026', 120_000],
    ['Sun, 08 Nov 2026 07:00:00 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Mon, 09 Nov 2026 09:00:00 GMT', 86_400_000],
  ])('takes the three forms of an HTTP date: "%s"', (text, ms) => {
    expect(retryAfterMs(text, now)).toBe(ms);
  });

  it.each([
    ...['', 'soon', '-5', '1e3', '5s', '0x10', '.5', '5.', 'NaN', '2026-11-08T08:00:30Z'],
    ...['Sun, 08 Foo 2026 08:00:30 GMT', 'Sun, 08 Nov 2026 08:00:30 CET', null, undefined],
  ])('ignores anything else: "%s"', (text) => {
    expect(retryAfterMs(text, now)).toBeNull();
  });
});
