import { BSONRegExp, Decimal128, Double } from 'bson';
import { doc, fromPlain, toPlain, type Plain } from '../bson/plain.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { PipelineContext } from '../expr/compiler.js';
import { compileFilter } from '../query/matcher.js';
import { compileSort } from '../query/sort.js';
import { compilePipeline, type Pipeline } from './pipeline.js';

type Fields = { readonly [name: string]: Plain };
const dec = (text: string): Decimal128 => Decimal128.fromString(text);

const stored = (fields: Fields): BDoc => BDoc.fromBytes(doc(fields).toBytes());

/** A server in miniature: collections by name, and the filters that pipelines asked for. */
class Collections implements PipelineContext {
  readonly db = 'test';
  readonly now = new Date(0);
  readonly asked: Plain[] = [];
  /** The variables of those filters. */
  readonly askedWith: PipelineContext['vars'][] = [];

  constructor(
    private readonly collections: Record<string, Fields[]> = {},
    readonly vars: PipelineContext['vars'] = new Map(),
  ) {}

  readonly find: PipelineContext['find'] = (collection, { filter, sort, limit }, ctx) => {
    this.asked.push(toPlain(filter));
    this.askedWith.push(new Map(ctx.vars));
    const { matches } = compileFilter(filter, ctx);
    const found = (this.collections[collection] ?? []).map(stored).filter((one) => matches(one));
    return (sort ? compileSort(sort).sort(found) : found).slice(0, limit);
  };
}

function compile(stages: Fields[], ctx: PipelineContext = new Collections()): Pipeline {
  return compilePipeline(fromPlain(stages as Plain) as BValue[], ctx);
}

function run(stages: Fields[], input: Fields[], ctx?: PipelineContext): BDoc[] {
  return [...compile(stages, ctx).run(input.map(stored))];
}

const hex = (docs: BDoc[]): string[] => docs.map((one) => one.toBytes().toString('latin1'));

function expectDocs(actual: BDoc[], expected: Fields[]): void {
  const wanted = expected.map((one) => doc(one));
  if (hex(actual).join() !== hex(wanted).join()) expect(actual.map((one) => toPlain(one))).toEqual(expected);
  expect(hex(actual)).toEqual(hex(wanted));
}

const ITEMS: Fields[] = [
  { _id: 1, k: 'a', n: 1, tags: ['x', 'y'] },
  { _id: 2, k: 'b', n: 2n, tags: [] },
  { _id: 3, k: 'a', n: dec('3.5') },
  { _id: 4, k: 'b', n: new Double(4), tags: ['y'] },
];

describe('a pipeline', () => {
  test.each<[string, Fields[], Fields[]]>([
    [
      'filters',
      [{ $match: { n: { $gt: 2 } } }, { $project: { n: 1 } }],
      [
        { _id: 3, n: dec('3.5') },
        { _id: 4, n: new Double(4) },
      ],
    ],
    [
      'sorts, skips and limits',
      [{ $sort: { n: -1 } }, { $skip: 1 }, { $limit: 2 }, { $project: { _id: 1 } }],
      [{ _id: 3 }, { _id: 2 }],
    ],
    [
      'adds and removes fields',
      [{ $limit: 1 }, { $set: { m: { $add: ['$n', 1] } } }, { $unset: ['tags', 'k'] }],
      [{ _id: 1, n: 1, m: 2 }],
    ],
    ['replaces documents', [{ $limit: 1 }, { $replaceWith: { v: '$n' } }], [{ v: 1 }]],
    [
      'unwinds one level',
      [{ $unwind: '$tags' }, { $project: { tags: 1 } }],
      [
        { _id: 1, tags: 'x' },
        { _id: 1, tags: 'y' },
        { _id: 4, tags: 'y' },
      ],
    ],
    [
      'unwinds and keeps what has no elements',
      [
        { $unwind: { path: '$tags', preserveNullAndEmptyArrays: true, includeArrayIndex: 'i' } },
        { $project: { tags: 1, i: 1 } },
      ],
      [
        { _id: 1, tags: 'x', i: 0n },
        { _id: 1, tags: 'y', i: 1n },
        { _id: 2, i: null },
        { _id: 3, i: null },
        { _id: 4, tags: 'y', i: 0n },
      ],
    ],
    ['counts', [{ $match: { k: 'a' } }, { $count: 'total' }], [{ total: 2 }]],
    ['counts nothing as no document', [{ $match: { k: 'z' } }, { $count: 'total' }], []],
    [
      'counts by value',
      [{ $unwind: '$tags' }, { $sortByCount: '$tags' }],
      [
        { _id: 'y', count: 2 },
        { _id: 'x', count: 1 },
      ],
    ],
    [
      'sorts into buckets',
      [
        {
          $bucket: {
            groupBy: '$n',
            boundaries: [0, 2, 4],
            default: 'rest',
            output: { ids: { $push: '$_id' } },
          },
        },
      ],
      [
        { _id: 0, ids: [1] },
        { _id: 2, ids: [2, 3] },
        { _id: 'rest', ids: [4] },
      ],
    ],
    [
      'runs facets over the same input',
      [
        {
          $facet: {
            first: [{ $limit: 1 }, { $project: { _id: 1 } }],
            count: [{ $count: 'n' }],
            none: [{ $match: { k: 'z' } }],
          },
        },
      ],
      [{ first: [{ _id: 1 }], count: [{ n: 4 }], none: [] }],
    ],
    ['samples as many as there are', [{ $sample: { size: 10 } }, { $count: 'n' }], [{ n: 4 }]],
  ])('%s', (_name, stages, expected) => {
    expectDocs(run(stages, ITEMS), expected);
  });

  test('a sort with a limit keeps the same documents as a full sort', () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({ _id: i, n: (i * 7919) % 100 }));
    const limited = run([{ $sort: { n: 1 } }, { $skip: 3 }, { $limit: 5 }], many);
    expect(hex(limited)).toEqual(hex(run([{ $sort: { n: 1 } }], many).slice(3, 8)));
  });

  test('$unwind decodes a document once, not once for every element', () => {
    const many = Array.from({ length: 50_000 }, (_, at) => at);
    const counted = run([{ $unwind: '$a' }, { $group: { _id: null, n: { $sum: '$a' } } }], [{ a: many }]);
    expect(counted.map(toPlain)).toEqual([{ _id: null, n: 1_249_975_000 }]);
  }, 5_000);

  test('may run several times', () => {
    const pipeline = compile([{ $group: { _id: null, n: { $sum: 1 } } }]);
    for (let i = 0; i < 2; i++) expectDocs([...pipeline.run(ITEMS.map(stored))], [{ _id: null, n: 4 }]);
  });
});

const MISSING_GROUP = 'no group';

describe('$group', () => {
  const group = (spec: Fields, input: Fields[] = ITEMS): BDoc[] =>
    run([{ $group: spec }, { $sort: { _id: 1 } }], input);

  test.each<[Fields, Plain]>([
    [{ $sum: '$n' }, dec('10.5')],
    [{ $sum: 1 }, 4],
    [{ $sum: '$k' }, 0],
    [{ $avg: '$n' }, dec('2.625')],
    [{ $avg: '$_id' }, 2.5],
    [{ $min: '$n' }, 1],
    [{ $max: '$n' }, new Double(4)],
    [{ $first: '$k' }, 'a'],
    [{ $last: '$n' }, new Double(4)],
    [{ $first: '$missing' }, null],
    [{ $push: '$tags' }, [['x', 'y'], [], ['y']]],
    [{ $addToSet: '$k' }, ['a', 'b']],
    [{ $count: {} }, 4],
    [{ $mergeObjects: { k: '$k', last: '$_id' } }, { k: 'b', last: 4 }],
  ])('%j over all documents', (accumulator, expected) => {
    expectDocs(group({ _id: null, v: accumulator }), [{ _id: null, v: expected }]);
  });

  test('numbers of all types that are equal make one group, and keep the first one as _id', () => {
    const input = [
      { v: 5 },
      { v: 5n },
      { v: new Double(5) },
      { v: dec('5.00') },
      { v: '5' },
      { v: NaN },
      { v: dec('NaN') },
    ];
    expectDocs(group({ _id: '$v', n: { $sum: 1 } }, input), [
      { _id: NaN, n: 2 },
      { _id: 5, n: 4 },
      { _id: '5', n: 1 },
    ]);
  });

  test('documents with the same fields in another order make two groups', () => {
    expect(group({ _id: '$v' }, [{ v: { a: 1, b: 2 } }, { v: { b: 2, a: 1 } }])).toHaveLength(2);
  });

  test('a missing _id and null make one group', () => {
    expectDocs(group({ _id: '$v', n: { $sum: 1 } }, [{}, { v: null }]), [{ _id: null, n: 2 }]);
  });

  test('a missing value is null as the only field of an _id, and left out among others', () => {
    expectDocs(group({ _id: { k: '$v' }, n: { $sum: 1 } }, [{}, { v: null }]), [{ _id: { k: null }, n: 2 }]);
    expectDocs(group({ _id: { k: '$v', w: '$w' } }, [{ w: 1 }]), [{ _id: { w: 1 } }]);
  });

  test.each<[Fields[], Plain]>([
    [[{ v: 2147483647 }, { v: 1 }], 2147483648n],
    [[{ v: 1 }, { v: 1n }], 2n],
    [[{ v: 9223372036854775807n }, { v: 1 }], 9223372036854775808],
    [[{ v: 0.1 }, { v: 0.2 }, { v: 0.3 }], 0.6],
    [[{ v: 1 }, { v: 0.5 }], 1.5],
    [[{ v: 1e308 }, { v: 1e308 }, { v: -1e308 }], Infinity],
    [[{ v: [1, 2] }, { v: 3 }], 3],
    [
      Array.from({ length: 3 }, () => ({ v: dec('8.888888888888888888888888888888888') })),
      dec('26.66666666666666666666666666666667'),
    ],
    [[], MISSING_GROUP],
  ])('the sum of %j', (input, expected) => {
    const result = group({ _id: null, v: { $sum: '$v' } }, input);
    expectDocs(result, expected === MISSING_GROUP ? [] : [{ _id: null, v: expected }]);
  });
});

describe('$lookup', () => {
  const other = {
    o: [
      { _id: 1, f: 1 },
      { _id: 2, f: [2, 3] },
      { _id: 3, f: null },
      { _id: 4 },
      { _id: 5, f: dec('1.0') },
      { _id: 6, f: new BSONRegExp('^x') },
      { _id: 7, f: 'xy' },
    ],
  };
  const ids = (docs: BDoc[]): Plain[] =>
    docs.map((one) => (one.get('r') as BDoc[]).map((found) => found.get('_id') as Plain));
  const byField = { $lookup: { from: 'o', localField: 'l', foreignField: 'f', as: 'r' } };

  test('joins by equality: numbers by value, arrays by element, missing with null, a regex as a value', () => {
    const input = [
      { l: 1n },
      { l: 3 },
      { l: [1, 2] },
      {},
      { l: null },
      { l: [] },
      { l: new BSONRegExp('^x') },
      { l: 'zzz' },
    ];
    expect(ids(run([byField], input, new Collections(other)))).toEqual([
      [1, 5],
      [2],
      [1, 2, 5],
      [3, 4],
      [3, 4],
      [3, 4],
      [6],
      [],
    ]);
  });

  test('joins by all values at a path through arrays, and by a position', () => {
    const join = (localField: string, a: Plain): Plain =>
      ids(run([{ $lookup: { ...byField.$lookup, localField } }], [{ a }], new Collections(other)))[0]!;
    expect(join('a.b', [{ b: [1, 7] }, { b: 3 }, 5])).toEqual([1, 2, 5]);
    expect(join('a.b', [{ c: 1 }, { b: [] }])).toEqual([3, 4]);
    expect(join('a.1', [1, 3])).toEqual([2]);
  });

  test('asks the other collection once for many documents', () => {
    const ctx = new Collections(other);
    run([byField], [{ l: 1 }, { l: 2 }, { l: 1n }], ctx);
    expect(ctx.asked).toEqual([{ f: { $in: [1, 2] } }]);
  });

  test('runs a pipeline with variables of each document, by a filter that an index can serve', () => {
    const ctx = new Collections(other);
    const stages = [
      {
        $lookup: {
          from: 'o',
          let: { x: '$l' },
          pipeline: [{ $match: { $expr: { $eq: ['$f', '$$x'] } } }, { $project: { _id: 1 } }],
          as: 'r',
        },
      },
    ];
    expect(ids(run(stages, [{ l: 1 }, {}, { l: null }], ctx))).toEqual([[1, 5], [4], [3]]);
    expect(ctx.asked[0]).toEqual({ $expr: { $eq: ['$f', '$$x'] } });
    expect(ctx.askedWith.map((vars) => vars.get('x'))).toEqual([1, undefined, null]);
  });

  test('runs a pipeline without variables once', () => {
    const ctx = new Collections(other);
    expect(
      ids(run([{ $lookup: { from: 'o', pipeline: [{ $match: { f: 1 } }], as: 'r' } }], [{}, {}], ctx)),
    ).toEqual([
      [1, 5],
      [1, 5],
    ]);
    expect(ctx.asked).toEqual([{ f: 1 }]);
  });

  test('joins by fields and then runs the pipeline', () => {
    const stages = [
      {
        $lookup: {
          ...byField.$lookup,
          let: { m: '$m' },
          pipeline: [{ $match: { $expr: { $gt: ['$_id', '$$m'] } } }],
        },
      },
    ];
    expect(
      ids(
        run(
          stages,
          [
            { l: 1, m: 1 },
            { l: 1, m: 0 },
          ],
          new Collections(other),
        ),
      ),
    ).toEqual([[5], [1, 5]]);
  });

  test('a lookup inside a lookup sees the variables of the outer one', () => {
    const inner = {
      $lookup: { from: 'o', pipeline: [{ $match: { $expr: { $eq: ['$_id', '$$x'] } } }], as: 'q' },
    };
    const stages = [
      {
        $lookup: {
          from: 'o',
          let: { x: '$l' },
          pipeline: [{ $limit: 1 }, inner, { $unwind: '$q' }, { $replaceWith: '$q' }],
          as: 'r',
        },
      },
    ];
    expect(ids(run(stages, [{ l: 2 }, { l: 3 }], new Collections(other)))).toEqual([[2], [3]]);
  });

  test('puts the result at a nested path', () => {
    const [one] = run(
      [{ $lookup: { ...byField.$lookup, as: 'a.r' } }],
      [{ l: 2, a: { b: 1 } }],
      new Collections(other),
    );
    expect(one!.keys()).toEqual(['l', 'a']);
    expect((one!.get('a') as BDoc).keys()).toEqual(['b', 'r']);
  });
});

describe('$unionWith', () => {
  test('appends another collection through its pipeline', () => {
    const ctx = new Collections({
      o: [
        { _id: 8, k: 1 },
        { _id: 9, k: 2 },
      ],
    });
    const stages = [
      { $unionWith: { coll: 'o', pipeline: [{ $match: { k: 2 } }, { $project: { _id: 1 } }] } },
    ];
    expectDocs(run(stages, [{ _id: 1 }], ctx), [{ _id: 1 }, { _id: 9 }]);
    expect(ctx.asked).toEqual([{ k: 2 }]);
    expectDocs(run([{ $unionWith: 'o' }, { $count: 'n' }], [], ctx), [{ n: 2 }]);
  });
});

describe('what a pipeline tells the server', () => {
  test('the leading match, sort and limit, behind which the rest goes on', () => {
    const pipeline = compile([
      { $match: { a: 1 } },
      { $match: { b: 2 } },
      { $sort: { c: 1 } },
      { $skip: 2 },
      { $limit: 3 },
    ]);
    expect(toPlain(pipeline.read.filter)).toEqual({ $and: [{ a: 1 }, { b: 2 }] });
    expect(toPlain(pipeline.read.sort!)).toEqual({ c: 1 });
    expect(pipeline.read.limit).toBe(5);
    const unsorted = [3, 2, 1].map((c) => stored({ a: 0, c }));
    expect([...pipeline.run(unsorted)]).toHaveLength(0);
    expect([...pipeline.rest(unsorted)].map((one) => one.get('c'))).toEqual([1]);
  });

  test('nothing where the pipeline begins otherwise', () => {
    const { read, terminal } = compile([{ $project: { a: 1 } }, { $match: { a: 1 } }]);
    expect([read.filter.size, read.sort, read.limit, terminal]).toEqual([0, undefined, undefined, undefined]);
  });

  test('the final $out or $merge', () => {
    const pipeline = compile([{ $match: {} }, { $out: 'target' }]);
    expect(pipeline.terminal).toEqual({ name: '$out', spec: 'target' });
    expect(compile([{ $merge: { into: 't' } }]).terminal?.name).toBe('$merge');
  });
});

describe('a pipeline that cannot be run', () => {
  test.each<[Fields[], number]>([
    [[{ $foo: 1 }], 40324],
    [[{ $graphLookup: {} }], 115],
    [[{ $setWindowFields: {} }], 115],
    [[{ $match: {}, $limit: 1 }], 40323],
    [[{}], 40323],
    [[{ $out: 'x' }, { $match: {} }], 40601],
    [[{ $match: 5 }], 15959],
    [[{ $match: { $where: '1' } }], 115],
    [[{ $limit: 0 }], 15958],
    [[{ $limit: 'x' }], 5107201],
    [[{ $skip: -1 }], 5107200],
    [[{ $sort: {} }], 15976],
    [[{ $sort: 5 }], 15973],
    [[{ $group: {} }], 15955],
    [[{ $group: 5 }], 15947],
    [[{ $group: { _id: 1, n: { $foo: 1 } } }], 15952],
    [[{ $group: { _id: 1, n: { $median: {} } } }], 115],
    [[{ $group: { _id: 1, n: 5 } }], 40234],
    [[{ $group: { _id: 1, n: { $sum: 1, $max: 1 } } }], 40238],
    [[{ $group: { _id: 1, 'a.b': { $sum: 1 } } }], 40235],
    [[{ $group: { _id: 1, n: { $sum: [1, 2] } } }], 40237],
    [[{ $group: { _id: 1, n: { $sum: ['$a'] } } }], 40237],
    [[{ $group: { _id: { a: 1 } } }], 17390],
    [[{ $group: { _id: 1, n: { $topN: { sortBy: { a: 1 }, output: 1, n: 1 } } } }], 115],
    [[{ $group: { _id: 1, n: { $stdDevPop: '$a' } } }], 115],
    [[{ $unwind: 'a' }], 28818],
    [[{ $unwind: { path: '$a', foo: 1 } }], 28811],
    [[{ $unwind: {} }], 28812],
    [[{ $unwind: { path: '$a', includeArrayIndex: '' } }], 28810],
    [[{ $unwind: { path: '$a', includeArrayIndex: '$i' } }], 28822],
    [[{ $count: '' }], 40157],
    [[{ $count: '$a' }], 40158],
    [[{ $count: 'a.b' }], 40160],
    [[{ $count: '_id' }], 9039800],
    [[{ $sortByCount: 'a' }], 40148],
    [[{ $sortByCount: 5 }], 40149],
    [[{ $sortByCount: { a: 1 } }], 40147],
    [[{ $bucket: { groupBy: '$a', boundaries: [1] } }], 40192],
    [[{ $bucket: { groupBy: '$a', boundaries: [2, 1] } }], 40194],
    [[{ $bucket: { groupBy: '$a', boundaries: [1, 'x'] } }], 40193],
    [[{ $bucket: { boundaries: [1, 2] } }], 40198],
    [[{ $bucket: { groupBy: '$a' } }], 40198],
    [[{ $bucket: { groupBy: '$a', boundaries: ['$a', 2] } }], 40191],
    [[{ $bucket: { groupBy: '$a', boundaries: [0, 2], default: '$a' } }], 40195],
    [[{ $facet: {} }], 40169],
    [[{ $facet: { 'a.b': [] } }], 16412],
    [[{ $facet: { a: [{ $facet: {} }] } }], 40600],
    [[{ $facet: { a: [{ $out: 'x' }] } }], 40600],
    [[{ $lookup: { from: 'o', as: 'r', foo: 1 } }], 9],
    [[{ $lookup: { from: 'o', localField: 'a', as: 'r' } }], 9],
    [[{ $lookup: { pipeline: [], as: 'r' } }], 115],
    [[{ $lookup: { from: 'o', as: 'r', pipeline: [{ $out: 'x' }] } }], 51047],
    [[{ $unionWith: { coll: 'o', foo: 1 } }], 40415],
    [[{ $unionWith: { coll: 'o', pipeline: [{ $out: 'x' }] } }], 31441],
    [[{ $sample: { size: 0 } }], 28747],
    [[{ $sample: 5 }], 28745],
    [[{ $sample: { size: 'x' } }], 28746],
    [[{ $sample: { foo: 1 } }], 28748],
    [[{ $sample: {} }], 28749],
    [[{ $project: {} }], 51272],
    [[{ $replaceRoot: { newRoot: 5 } }], 40228],
    [[{ $replaceRoot: { foo: 1 } }], 40415],
    [[{ $replaceRoot: {} }], 40414],
    [[{ $unset: [] }], 31119],
    [[{ $unset: 5 }], 31002],
    [[{ $unset: [5] }], 31120],
    [[{ $addFields: 5 }], 40272],
    [[{ $addFields: {} }], 40177],
    [[{ $set: { a: { b: {} } } }], 40180],
    [[{ $set: { a: 1, 'a.b': 2 } }], 40176],
  ])('%j fails with code %d', (stages, code) => {
    expect(() => run(stages, [{ a: 1 }])).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('a value outside all buckets fails without a default', () => {
    const stages = [{ $bucket: { groupBy: '$a', boundaries: [0, 1] } }];
    expect(() => run(stages, [{ a: 5 }])).toThrow(expect.objectContaining({ code: 40066 }) as Error);
  });
});
