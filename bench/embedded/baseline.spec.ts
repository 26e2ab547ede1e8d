import { compared } from './baseline.js';

const baseline = { documents: 10, pings: { read: 2, write: 4 } };

test('a case may be up to 15 % dearer than its baseline', () => {
  const { met, lines } = compared({ documents: 10, pings: { read: 2.3, write: 3 } }, baseline);
  expect([met, lines]).toEqual([true, expect.arrayContaining(['baseline read: 2 pings, now 2.3, met'])]);
});

test.each<[string, Record<string, number>]>([
  ['is dearer', { read: 2.31, write: 4 }],
  ['is gone', { read: 2 }],
])('a case that %s fails', (_what, pings) => {
  expect(compared({ documents: 10, pings }, baseline).met).toBe(false);
});

test('runs over different numbers of documents are not compared', () => {
  expect(() => compared({ documents: 11, pings: baseline.pings }, baseline)).toThrow('10 documents');
});
