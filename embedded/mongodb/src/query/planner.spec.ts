import { BSONRegExp, Double } from 'bson';
import { doc as documentOf } from '../bson/plain.js';
import { UNDEFINED } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import { evalContext } from '../expr/expression.js';
import { prepareFind, type FindQuery, type Found, type PreparedFind, type Reading } from './find.js';
import { filledCollections } from './filled-collection.fixture.js';
import { compileFilter } from './matcher.js';
import { compileSort } from './sort.js';

const doc = (fields: object): BDoc => documentOf(fields as never);

const { engine, filled } = filledCollections();

function find(collection: Collection, query: { filter: object } & Record<string, unknown>): PreparedFind {
  const { filter, sort, ...rest } = query;
  const find: FindQuery = { ...rest, filter: doc(filter), sort: sort ? doc(sort as object) : undefined };
  return prepareFind(collection, find, evalContext());
}

function ids(reading: Reading<Found>): BValue[] {
  return [...reading].filter((found) => found !== undefined).map((found) => found.doc.get('_id') as BValue);
}

function count(collection: Collection, query: { filter: object; skip?: number; limit?: number }): number {
  const read = { ...query, filter: doc(query.filter) };
  const counts = prepareFind(collection, read, evalContext()).count();
  return [...counts].reduce<number>((sum, some) => sum + (some ?? 0), 0);
}

const run = (prepared: PreparedFind): BValue[] => ids(prepared.run());

function indexName({ plan }: PreparedFind): string {
  const { scans, exact } = plan;
  if (!scans) return 'scan';
  if (exact) return 'id';
  if (scans.length > 1) return 'or';
  return scans[0]?.index.spec.name ?? 'none';
}

const numbered = (count: number): object[] =>
  Array.from({ length: count }, (_, n) => ({ _id: n, a: n % 5, b: n, c: n % 2 }));

describe('the choice of a plan', () => {
  const cases: [string, object[], Record<string, unknown> & { filter: object }, string][] = [
    ['_id alone is one lookup', [], { filter: { _id: 3 } }, 'id'],
    ['nothing usable is a scan', [{ key: { a: 1 } }], { filter: { b: 1 } }, 'scan'],
    ['an equality', [{ key: { a: 1 } }], { filter: { a: 1, b: 1 } }, 'a_1'],
    [
      'a longer equality prefix wins',
      [{ key: { a: 1 } }, { key: { a: 1, b: 1 } }],
      { filter: { a: 1, b: 1 } },
      'a_1_b_1',
    ],
    [
      'a whole unique key wins',
      [{ key: { a: 1, c: 1 } }, { key: { b: 1 }, unique: true }],
      { filter: { a: 1, c: 1, b: 1 } },
      'b_1',
    ],
    [
      'a sort served beats a range',
      [{ key: { b: 1 } }, { key: { c: 1 } }],
      { filter: { c: { $gt: 0 } }, sort: { b: 1 } },
      'b_1',
    ],
    ['an empty $in needs no scan', [], { filter: { a: { $in: [] } } }, 'none'],
    [
      'one index per branch of an $or',
      [{ key: { a: 1 } }, { key: { b: 1 } }],
      { filter: { $or: [{ a: 1 }, { b: 2 }] } },
      'or',
    ],
    [
      'an $or with a branch without index is a scan',
      [{ key: { a: 1 } }],
      { filter: { $or: [{ a: 1 }, { b: 2 }] } },
      'scan',
    ],
    ['a hint binds', [{ key: { a: 1 } }, { key: { b: 1 } }], { filter: { a: 1 }, hint: 'b_1' }, 'b_1'],
    ['a hidden index is not used', [{ key: { a: 1 }, hidden: true }], { filter: { a: 1 } }, 'scan'],
    [
      'a sparse index does not hold what a null condition matches',
      [{ key: { a: 1 }, sparse: true }],
      { filter: { a: null } },
      'scan',
    ],
    ['a sparse index serves a value', [{ key: { a: 1 }, sparse: true }], { filter: { a: 1 } }, 'a_1'],
    [
      'a partial index serves a filter that implies its own',
      [{ key: { a: 1 }, partialFilterExpression: { b: { $gt: 5 } } }],
      { filter: { a: 1, b: { $gt: 7 } } },
      'a_1',
    ],
    [
      'a partial index does not serve a wider filter',
      [{ key: { a: 1 }, partialFilterExpression: { b: { $gt: 5 } } }],
      { filter: { a: 1, b: { $gt: 3 } } },
      'scan',
    ],
  ];

  test.each(cases)('%s', async (_rule, indexes, query, expected) => {
    const collection = await filled(numbered(20), indexes);
    expect(indexName(find(collection, query))).toBe(expected);
  });

  test.each([
    ['a hint that names no index', { filter: {}, hint: 'nosuch' }],
    ['an _id of undefined', { filter: { _id: UNDEFINED } }],
  ])('%s is an error', async (_what, query) => {
    const collection = await filled([], []);
    expect(() => find(collection, query)).toThrow(expect.objectContaining({ code: 2 }));
  });

  test('among equal plans the one with fewer keys is taken', async () => {
    const collection = await filled(numbered(200), [{ key: { c: 1 } }, { key: { a: 1 } }]);
    expect(indexName(find(collection, { filter: { a: 1, c: 1 } }))).toBe('a_1');
  });
});

describe('the work of a plan', () => {
  test('a served sort with a limit stops early', async () => {
    const collection = await filled(numbered(1000), [{ key: { a: 1, b: -1 } }]);
    const prepared = find(collection, { filter: { a: 1 }, sort: { b: -1 }, limit: 3 });
    expect(run(prepared)).toEqual([996, 991, 986]);
    expect(prepared.stats).toEqual({ keysExamined: 3, docsExamined: 3 });
  });

  test('two bounds on an array field are not intersected', async () => {
    const collection = await filled(
      [
        { _id: 1, a: [0, 9] },
        { _id: 2, a: 5 },
        { _id: 3, a: 9 },
      ],
      [{ key: { a: 1 } }],
    );
    expect(
      run(find(collection, { filter: { a: { $gt: 3, $lt: 7 } } })).sort((x, y) => Number(x) - Number(y)),
    ).toEqual([1, 2]);
  });

  test('of two fields below one array only one is bounded, because each may be met by another element', async () => {
    const documents = [
      {
        _id: 1,
        items: [
          { x: 1, y: 1 },
          { x: 2, y: 2 },
        ],
      },
      { _id: 2, items: [{ x: 1, y: 2 }] },
    ];
    const collection = await filled(documents, [{ key: { 'items.x': 1, 'items.y': 1 } }]);
    expect(run(find(collection, { filter: { 'items.x': 1, 'items.y': 2 } }))).toEqual([1, 2]);
    const element = find(collection, { filter: { items: { $elemMatch: { x: 1, y: 2 } } } });
    expect(run(element)).toEqual([2]);
    expect(element.stats.keysExamined).toBe(2);
  });

  test.each<[object, number[]]>([
    [{ 'a.0': [1, 2] }, [1]],
    [{ 'a.0': { $in: [[1, 2], 9] } }, [1, 3]],
    [{ 'a.0': 1 }, []],
    [{ 'a.0': { $elemMatch: { $gt: 0 } } }, [1]],
    [{ 'a.0.1': 2 }, [1]],
    [{ 'a.0.x': null }, [2, 5]],
    [{ 'a.0': { $exists: false } }, [4, 5]],
  ])('%j gives the same with an index on the position of an array', async (filter, expected) => {
    const documents = [{ a: [[1, 2], 3] }, { a: [{ x: 5 }] }, { a: [9] }, { a: [] }, { a: 1 }];
    const numberedDocuments = documents.map((one, at) => ({ _id: at + 1, ...one }));
    const keys = [{ 'a.0': 1 }, { 'a.0.1': 1 }, { 'a.0.x': 1 }];
    const bare = run(find(await filled(numberedDocuments, []), { filter }));
    const collection = await filled(
      numberedDocuments,
      keys.map((key) => ({ key })),
      't.indexed',
    );
    const indexed = run(find(collection, { filter })).sort((x, y) => Number(x) - Number(y));
    expect([bare, indexed]).toEqual([expected, expected]);
  });

  test.each<[object, object, number[]]>([
    [{ key: { a: 1 } }, { a: { $regex: new BSONRegExp('^ab'), $options: 'i' } }, [1, 2]],
    [
      { key: { b: 1 }, partialFilterExpression: { a: { $exists: true } } },
      { b: null, a: { $exists: new Double(0) } },
      [4],
    ],
    [{ key: { 'c.y': 1, 'c.x': 1 }, sparse: true }, { 'c.x': 1, 'c.y': null }, [5]],
    [{ key: { a: 1 }, partialFilterExpression: { 'c.x': null } }, { a: 9, 'c.x': { $exists: false } }, [6]],
  ])('with %j %j finds what a scan finds', async (index, filter, expected) => {
    const documents = [
      { a: 'ab' },
      { a: 'AB' },
      { a: 'b' },
      {},
      { a: 1, c: [{ x: 1, y: 1 }, {}] },
      { a: 9, c: [] },
    ];
    const numberedDocuments = documents.map((one, at) => ({ _id: at + 1, ...one }));
    expect(run(find(await filled(numberedDocuments, [index]), { filter }))).toEqual(expected);
  });

  test('a document in which a position is also a name is refused by an index on it', async () => {
    const refused = filled([{ a: [{ 0: 5 }, [7]] }], [{ key: { 'a.0': 1 } }]);
    await expect(refused).rejects.toMatchObject({ code: 16746 });
  });

  test('a document that is changed between two chunks is seen as it is then', async () => {
    const collection = await filled(numbered(60), []);
    const reading = find(collection, { filter: {} }).run();
    for (let n = 0; n < 5; n += 1) reading.next();
    await engine().queue.run(function* () {
      const bytes = collection.records.get(7) as Buffer;
      engine().writes.delete(collection, 7, BDoc.fromBytes(bytes));
      yield;
    });
    expect(ids(reading)).not.toContain(6);
  });
});

/** Random documents, indexes, filters and sorts: an indexed read must give what a scan with the same filter gives. */
describe('random queries', () => {
  let seed = 0;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;

  const scalar = (): unknown => pick([0, 1, 2, 3, 4, 1.5, null, 'a', 'b', true, new Date(5)]);
  const value = (depth = 0): unknown => {
    const kind = random(10);
    if (kind === 0 && depth < 2) return Array.from({ length: random(3) }, () => value(depth + 1));
    if (kind === 1 && depth < 2)
      return { [pick(['x', 'x', '0'])]: value(depth + 1), ...(random(2) && { y: value(depth + 1) }) };
    if (kind === 2) return pick([NaN, UNDEFINED, 2n ** 53n + 1n]);
    return scalar();
  };
  const NAMES = ['a', 'b', 'c', 'a.x', 'a.y', 'b.x'];
  const PATHS = [...NAMES, 'a.0', 'a.0.x'];

  const condition = (): unknown => {
    switch (random(9)) {
      case 0:
        return { $gt: scalar() };
      case 1:
        return { $lte: scalar() };
      case 2:
        return { $gte: pick([0, 1, 2]), $lt: pick([2, 3, 4]) };
      case 3:
        return { $in: Array.from({ length: random(4) }, scalar) };
      case 4:
        return { $exists: random(2) === 1 };
      case 5:
        return { $elemMatch: { $gte: pick([0, 1, 2]), $lt: pick([2, 3, 4]) } };
      case 6:
        return { $elemMatch: { x: scalar(), y: pick([scalar(), { $gte: 1 }]) } };
      case 7:
        return { $ne: scalar() };
      default:
        return scalar();
    }
  };
  const filter = (depth = 0): Record<string, unknown> => {
    const parts = Array.from({ length: 1 + random(3) }, () => ({ [pick(PATHS)]: condition() }));
    if (random(4) === 0 && depth === 0) return { ...parts[0], $or: [filter(1), filter(1)] };
    if (random(4) === 0) return { $and: parts };
    return Object.assign({}, ...parts) as Record<string, unknown>;
  };
  const pattern = (fields: number, paths = PATHS): Record<string, number> =>
    Object.fromEntries(Array.from({ length: 1 + random(fields) }, () => [pick(paths), pick([1, -1])]));

  test.each(Array.from({ length: 12 }, (_, n) => n + 1))('round %i', async (round) => {
    seed = round;
    const indexes = Array.from({ length: 4 }, () => ({
      key: pattern(3),
      ...(random(4) === 0 && { sparse: true }),
      ...(random(4) === 0 && {
        partialFilterExpression: { [pick(['a', 'b', 'c'])]: pick([{ $gt: 1 }, { $exists: true }, 1]) },
      }),
    })).filter((index) => !('sparse' in index && 'partialFilterExpression' in index));
    const unique = indexes.filter(
      ({ key }, at) => indexes.findIndex((other) => JSON.stringify(other.key) === JSON.stringify(key)) === at,
    );
    const documents: BDoc[] = [];
    const collection = await filled([], unique);
    await engine().queue.run(function* () {
      for (let n = 0; n < 150; n += 1) {
        const document = doc({
          _id: n,
          a: value(),
          ...(random(3) && { b: value() }),
          ...(random(3) && { c: value() }),
        });
        try {
          documents.push(engine().writes.insert(collection, document));
        } catch (error) {
          // Parallel arrays and ambiguous positions cannot be indexed; the document is refused and both sides lack it.
          if (![171, 16746].includes((error as { code: number }).code)) throw error;
        }
      }
      yield;
    });

    let indexed = 0;
    for (let n = 0; n < 150; n += 1) {
      const query = { filter: filter(), ...(random(3) === 0 && { sort: pattern(1, NAMES) }) };
      const prepared = find(collection, query);
      if (prepared.plan.scans) indexed += 1;
      const { matches } = compileFilter(doc(query.filter), evalContext());
      const expected = documents.filter((document) => matches(document));
      const found = [...prepared.run()].filter((one) => one !== undefined).map((one) => one.doc);
      const shown = `${JSON.stringify(query)} by ${indexName(prepared)}`;
      expect([shown, found.map((one) => one.get('_id')).sort(byNumber)]).toEqual([
        shown,
        expected.map((one) => one.get('_id')).sort(byNumber),
      ]);
      const cut = { skip: random(4) * 3, limit: random(3) * 5 };
      expect([shown, cut, count(collection, { filter: query.filter, ...cut })]).toEqual([
        shown,
        cut,
        Math.max(0, Math.min(expected.length, cut.limit ? cut.skip + cut.limit : Infinity) - cut.skip),
      ]);
      const behind = run(find(collection, { ...query, skip: cut.skip }));
      expect([shown, cut.skip, behind]).toEqual([shown, cut.skip, run(prepared).slice(cut.skip)]);
      if (query.sort) expectSorted(found, compileSort(doc(query.sort)), shown);
    }
    expect(indexed).toBeGreaterThan(10);
  });

  function byNumber(a: unknown, b: unknown): number {
    return Number(a) - Number(b);
  }

  function expectSorted(found: BDoc[], sort: ReturnType<typeof compileSort>, shown: string): void {
    for (let at = 1; at < found.length; at += 1) {
      const order = sort.compareKeys(sort.key(found[at - 1] as BDoc), sort.key(found[at] as BDoc));
      expect([shown, order > 0]).toEqual([shown, false]);
    }
  }
});
