import { doc as documentOf } from '../bson/plain.js';
import { UNDEFINED } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import type { Collection } from '../catalog/collection.js';
import { evalContext } from '../expr/expression.js';
import { prepareFind, type FindQuery, type PreparedFind } from './find.js';
import { filledCollections } from './filled-collection.fixture.js';
import { compileFilter } from './matcher.js';

const doc = (fields: object): BDoc => documentOf(fields as never);

const { filled } = filledCollections();

interface Counted {
  n: number;
  /** Interruptions of the walk over entries. */
  rests: number;
  prepared: PreparedFind;
}

function count(collection: Collection, filter: object, cut: { skip?: number; limit?: number } = {}): Counted {
  const query: FindQuery = { filter: doc(filter), ...cut };
  const prepared = prepareFind(collection, query, evalContext());
  const counted = { n: 0, rests: 0, prepared };
  for (const some of prepared.count())
    if (some === undefined) counted.rests += 1;
    else counted.n += some;
  return counted;
}

describe('a count', () => {
  const events = Array.from({ length: 40 }, (_, n) => ({
    _id: n,
    ep: `e${n % 2}`,
    state: ['open', 'done', 'open', null][n % 4],
    k: n % 10 === 0 ? ['all', 'rare', 'all'] : ['all'],
  }));
  const indexes = [{ key: { ep: 1, state: 1, _id: 1 } }, { key: { ep: 1, k: 1, _id: -1 } }];

  test.each<[string, object, number]>([
    ['an equality', { ep: 'e0' }, 20],
    ['two equalities and a range', { ep: 'e0', state: 'open', _id: { $gte: 4, $lt: 12 } }, 4],
    ['several values', { ep: 'e1', state: { $in: ['done', null] } }, 20],
    ['one value of an array', { ep: 'e0', k: 'all' }, 20],
    ['null', { ep: 'e1', state: null }, 10],
    ['a contradiction', { ep: 'e0', $and: [{ state: 'open' }, { state: 'done' }] }, 0],
  ])('by %s reads the index and no document', async (_of, filter, expected) => {
    const { n, prepared } = count(await filled(events, indexes), filter);
    expect([n, prepared.stats.docsExamined]).toEqual([expected, 0]);
  });

  test.each<[string, object, number]>([
    ['two values of an array, which one document may have', { ep: 'e0', k: { $in: ['all', 'rare'] } }, 20],
    ['a range of an array, whose ends two elements may meet', { ep: 'e0', k: { $gt: 'a', $lt: 'z' } }, 20],
    ['a field outside of the index', { ep: 'e0', other: null }, 20],
    ['what no range of keys says', { ep: 'e0', state: { $ne: 'done' } }, 20],
    ['a descending range, whose keys may be too many', { ep: 'e0', k: 'all', _id: { $lte: 8 } }, 5],
  ])('by %s reads documents', async (_of, filter, expected) => {
    const { n, prepared } = count(await filled(events, indexes.slice(1)), filter);
    expect(n).toBe(expected);
    expect(prepared.stats.docsExamined).toBeGreaterThanOrEqual(expected);
  });

  test('of many entries rests now and then, in the middle of equal keys too', async () => {
    const same = Array.from({ length: 20_000 }, (_, n) => ({ _id: n, a: n < 19_000 ? 1 : 2 }));
    const collection = await filled(same, [{ key: { a: 1 } }]);
    expect(count(collection, { a: 1 })).toMatchObject({ n: 19_000, rests: 2 });
    expect(count(collection, { a: 1 }, { skip: 500, limit: 9_000 }).n).toBe(9_000);
    expect(count(collection, { a: 1 }, { skip: 18_990, limit: 9_000 }).n).toBe(10);
    expect(count(collection, {}, { skip: 19_999 }).n).toBe(1);
  });
});

test('a page is passed over without its documents, in both directions', async () => {
  const collection = await filled(
    Array.from({ length: 500 }, (_, n) => ({ _id: n, a: n % 2 })),
    [{ key: { a: 1, _id: 1 } }],
  );
  for (const [direction, expected] of [
    [1, [201, 203]],
    [-1, [299, 297]],
  ] as const) {
    const query = { filter: doc({ a: 1 }), sort: doc({ _id: direction }), skip: 100, limit: 2 };
    const prepared = prepareFind(collection, query, evalContext());
    const found = [...prepared.run()].flatMap((one) => one?.doc.get('_id') ?? []);
    expect([found, prepared.stats.docsExamined]).toEqual([expected, 2]);
  }
});

/** The same number as the filter gives on every document, whatever the types, indexes and bounds. */
test.each([1, 2, 3, 4, 5, 6])('random counts, round %i', async (round) => {
  let seed = round;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const plain = [0, -0, 1, 1.5, 2n ** 53n + 1n, -7, NaN, Infinity, 'a', 'ab', '', null, true, new Date(5)];
  const scalar = (): unknown => pick([...plain, new Date(-5), { x: 1 }, { x: 1, y: 2 }]);
  const stored = (array: boolean): unknown =>
    array && random(3) === 0
      ? Array.from({ length: random(3) }, () => pick([scalar(), [scalar()]]))
      : random(12) === 0
        ? UNDEFINED
        : scalar();
  const documents = Array.from({ length: 400 }, (_, n) => ({
    _id: n,
    ...(random(5) > 0 && { a: stored(false) }),
    ...(random(5) > 0 && { b: stored(round % 2 === 0) }),
    ...(random(5) > 0 && { c: { d: stored(round % 3 === 0) } }),
  }));
  const keys = [{ a: 1, b: 1, _id: 1 }, { b: -1, a: 1 }, { 'c.d': 1, a: -1 }, { a: -1 }];
  const collection = await filled(
    documents.filter(({ b, c }) => !(Array.isArray(b) && Array.isArray(c && c.d))),
    [...keys.map((key) => ({ key })), { key: { b: 1, a: 1 }, sparse: true, name: 'sparse' }],
  );
  const condition = (): unknown =>
    pick<() => unknown>([
      scalar,
      scalar,
      () => ({ $in: [scalar(), scalar(), scalar()] }),
      () => ({ $gte: scalar() }),
      () => ({ [pick(['$gt', '$gte'])]: scalar(), [pick(['$lt', '$lte'])]: scalar() }),
      () => ({ [pick(['$lt', '$lte'])]: scalar() }),
    ])();
  const all = [...collection.records.scan(undefined, 1024)].map(({ bytes }) => BDoc.fromBytes(bytes));
  let byKeys = 0;
  for (let n = 0; n < 400; n += 1) {
    const paths = pick(keys);
    const filter = Object.fromEntries(
      Object.keys(paths)
        .slice(0, 1 + random(3))
        .map((path) => [path, condition()]),
    );
    const { matches } = compileFilter(doc(filter), evalContext());
    const counted = count(collection, filter);
    if (counted.prepared.plan.keysSuffice) byKeys += 1;
    expect([filter, counted.n]).toEqual([filter, all.filter((one) => matches(one)).length]);
  }
  expect(byKeys).toBeGreaterThan(40);
});
