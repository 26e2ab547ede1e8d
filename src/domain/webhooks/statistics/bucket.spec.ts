import { bucketRanges, HOURS_KEPT_MS, LEVEL_MS, MINUTES_KEPT_MS } from './bucket.js';

const NOW = Date.parse('2026-11-21T10:17:30Z');
const at = (text: string) => Date.parse(`2026-${text}Z`);
const shown = (since: number, until: number) =>
  bucketRanges(since, until, NOW).map(({ level, fromMs, toMs }) =>
    [level, new Date(fromMs).toISOString().slice(5, 16), new Date(toMs).toISOString().slice(5, 16)].join(' '),
  );

describe('the buckets of a window', () => {
  it('are days with hours and minutes at the ends', () => {
    expect(shown(at('11-20T09:50:00'), NOW)).toEqual([
      'm 11-20T09:50 11-20T10:00',
      'h 11-20T10:00 11-21T10:00',
      'm 11-21T10:00 11-21T10:18',
    ]);
    expect(shown(at('11-17T22:10:00'), NOW)).toEqual([
      'h 11-17T22:00 11-18T00:00',
      'd 11-18T00:00 11-21T00:00',
      'h 11-21T00:00 11-21T10:00',
      'm 11-21T10:00 11-21T10:18',
    ]);
  });

  it('are minutes within an hour', () => {
    expect(shown(at('11-21T09:05:10'), at('11-21T09:07:10'))).toEqual(['m 11-21T09:05 11-21T09:08']);
  });

  it('leave hours that may not be complete to their minutes', () => {
    const now = at('11-21T10:01:00');
    expect(bucketRanges(at('11-21T08:00:00'), now, now).map(({ level }) => level)).toEqual(['h', 'm']);
    expect(bucketRanges(at('11-21T09:00:00'), now, now).map(({ level }) => level)).toEqual(['m']);
  });

  it('cover every window once, without overlap, and few they are', () => {
    let seed = 7;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    for (let round = 0; round < 2_000; round++) {
      const now = NOW + Math.floor(random() * 86_400_000);
      const since = now - Math.floor(random() ** 3 * HOURS_KEPT_MS);
      const until = since + 1 + Math.floor(random() * (now - since));
      const ranges = bucketRanges(since, until, now);
      expect(ranges[0]!.fromMs).toBeLessThanOrEqual(since);
      expect(ranges.at(-1)!.toMs).toBeGreaterThanOrEqual(until);
      const slack = since < now - MINUTES_KEPT_MS + LEVEL_MS.h ? LEVEL_MS.h : LEVEL_MS.m;
      expect(since - ranges[0]!.fromMs).toBeLessThan(slack);
      let buckets = 0;
      ranges.forEach(({ level, fromMs, toMs }, i) => {
        if (i > 0) expect(fromMs).toBe(ranges[i - 1]!.toMs);
        expect((toMs - fromMs) % LEVEL_MS[level]).toBe(0);
        if (level === 'm') expect(fromMs).toBeGreaterThanOrEqual(now - MINUTES_KEPT_MS);
        buckets += (toMs - fromMs) / LEVEL_MS[level];
      });
      expect(buckets).toBeLessThan(230);
    }
  });
});
