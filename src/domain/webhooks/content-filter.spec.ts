import { contentFilter, filterFaults } from '../../contracts/webhooks/content-filter.js';
import type { ContentFilter } from '../../contracts/webhooks/content-filter.js';
import { compileFilter } from './content-filter.js';

const order = {
  id: 'WO-1',
  priority: 'high',
  cost: 1200.5,
  approved: false,
  closedAt: null,
  asset: { plant: 'P7', 'serial.no': 'S1' },
  tags: ['pump', 'urgent'],
  items: [
    { sku: 'A-1', count: 2 },
    { sku: 'B-2', count: 9 },
  ],
};
const takes = (filter: ContentFilter, payload: unknown = order) => {
  expect(contentFilter.safeParse(filter).success).toBe(true);
  return compileFilter(filter)(payload);
};

describe('content filter', () => {
  it.each<[string, ContentFilter]>([
    ['a value', { priority: 'high' }],
    ['null where the member is null', { closedAt: null }],
    ['a member of a member', { 'asset.plant': 'P7' }],
    ['a member whose name has a dot, by pointer', { '/asset/serial.no': 'S1' }],
    ['one of several values', { priority: { $in: ['high', 'urgent'] } }],
    ['an item of a list', { tags: 'urgent' }],
    ['a member of any item of a list', { 'items.sku': 'B-2' }],
    ['a member of one item by its place', { 'items.1.count': { $gt: 8 } }],
    ['a range', { cost: { $gte: 1_000, $lt: 1_201 } }],
    ['a text range', { id: { $gt: 'WO-0', $lte: 'WO-1' } }],
    ['the start and the end of a text', { id: { $startsWith: 'WO', $endsWith: '1' } }],
    ['presence and absence', { closedAt: { $exists: true }, nothing: { $exists: false } }],
    ['the opposite of a condition', { cost: { $not: { $gt: 5_000 } } }],
    ['the opposite for a missing member', { nothing: { $ne: 1, $nin: [2] } }],
    ['one of two filters', { $or: [{ priority: 'low' }, { approved: false }] }],
    ['all of two filters and not a third', { $and: [{ approved: false }], $not: { priority: 'low' } }],
  ])('takes %s', (_, filter) => {
    expect(takes(filter)).toBe(true);
    expect(takes({ $not: filter })).toBe(false);
  });

  it.each<[string, ContentFilter]>([
    ['a number given as text', { cost: '1200.5' }],
    ['a text compared with a number', { priority: { $gt: 1 } }],
    ['null for a missing member', { nothing: null }],
    ['what every object has without having it', { constructor: { $exists: true } }],
    ['$nin where one item of a list is named', { tags: { $nin: ['pump'] } }],
  ])('does not take %s', (_, filter) => {
    expect(takes(filter)).toBe(false);
  });

  it('looks at a thousand values at most, so a huge list costs little', () => {
    const list = Array.from({ length: 200_000 }, (_, n) => ({ n }));
    const filter = compileFilter({ 'list.n': { $in: [-1] }, $or: [{ 'list.n': 5 }] });
    const begin = performance.now();
    for (let i = 0; i < 100; i++) expect(filter({ list })).toBe(false);
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(compileFilter({ 'list.n': 400 })({ list })).toBe(true);
  });

  const wrong: [string, unknown, (string | number)[]][] = [
    ['no member', {}, []],
    ['a list', [1], []],
    ['an unknown operator', { a: { $regex: '.' } }, ['a', '$regex']],
    ['an unknown operator around filters', { $nor: [] }, ['$nor']],
    ['an object to be equal to', { a: { $eq: { b: 1 } } }, ['a', '$eq']],
    ['a nested object in place of operators', { a: { b: 1 } }, ['a', 'b']],
    ['a list to be equal to', { a: [1] }, ['a']],
    ['an empty $in', { a: { $in: [] } }, ['a', '$in']],
    ['$or without filters', { $or: [] }, ['$or']],
    ['a wrong operand inside $or', { $or: [{ a: 1 }, { b: { $exists: 1 } }] }, ['$or', 1, 'b', '$exists']],
    ['six levels', nested(6), ['$not', '$not', '$not', '$not', '$not']],
    ['51 terms', { $and: Array.from({ length: 50 }, () => ({ a: 1 })), b: 1 }, []],
    ['a member that the database cannot name', { 'a\0b': 1 }, ['a\0b']],
    ['a broken pointer', { '/a~2': 1 }, ['/a~2']],
  ];
  it.each(wrong)('refuses %s and names the place', (_, filter, path) => {
    const faults = contentFilter.safeParse(filter).error?.issues ?? [];
    expect(faults.map((fault) => fault.path)).toContainEqual(path);
  });

  it('accepts five levels and fifty terms', () => {
    expect(filterFaults(nested(5))).toEqual([]);
    expect(filterFaults({ $and: Array.from({ length: 50 }, () => ({ a: 1 })) })).toEqual([]);
  });

  it('whatever is given, a filter is refused or answers true or false for any payload', () => {
    const random = generator(7);
    const pieces = [
      '$and',
      '$or',
      '$not',
      '$eq',
      '$in',
      '$gt',
      '$exists',
      '$startsWith',
      'a',
      'b.c',
      '/b/0',
      '',
    ];
    const value = (depth: number): unknown => {
      const kind = random(depth > 5 ? 5 : 8);
      if (kind < 5) return [null, true, 'x', 4, -0.5][kind];
      if (kind === 5) return Array.from({ length: random(4) }, () => value(depth + 1));
      return Object.fromEntries(
        Array.from({ length: random(4) }, () => [pieces[random(pieces.length)], value(depth + 1)]),
      );
    };
    let accepted = 0;
    for (let i = 0; i < 30_000; i++) {
      const filter = value(0);
      const parsed = contentFilter.safeParse(filter);
      if (!parsed.success) continue;
      accepted++;
      expect(typeof compileFilter(parsed.data as ContentFilter)(value(0))).toBe('boolean');
    }
    expect(accepted).toBeGreaterThan(200);
  });
});

function nested(levels: number): unknown {
  return levels === 1 ? { a: 1 } : { $not: nested(levels - 1) };
}

function generator(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
