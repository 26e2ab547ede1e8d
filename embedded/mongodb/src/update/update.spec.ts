import { BSONRegExp, Decimal128, Double, Timestamp } from 'bson';
import { doc, fromPlain, toPlain, type Plain } from '../bson/plain.js';
import { double, typeName } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import type { EvalContext } from '../expr/compiler.js';
import { compileUpdate, type Update } from './update.js';

type Fields = { readonly [name: string]: Plain };
const NOW = new Date('2024-05-06T07:08:09.123Z');
const ctx: EvalContext = { now: NOW, vars: new Map() };
const dec = (text: string): Decimal128 => Decimal128.fromString(text);
const LONG_MAX = 2n ** 63n - 1n;

function compile(update: Fields | Fields[], filter: Fields = {}, arrayFilters?: Fields[]): Update {
  const compiled = fromPlain(update as Plain) as BDoc | BValue[];
  return compileUpdate(compiled, {
    ctx,
    filter: doc(filter),
    arrayFilters: arrayFilters?.map((one) => doc(one)),
  });
}

/** Types are part of the answer, so both sides are compared as bytes. */
function bytes(value: BDoc | null): string {
  return value === null ? 'unchanged' : value.toBytes().toString('latin1');
}

function expectUpdate(before: Fields, after: Fields | null, update: Update): void {
  const stored = BDoc.fromBytes(doc(before).toBytes());
  const result = update.apply(stored);
  if (bytes(result) !== bytes(after && doc(after))) expect(result && toPlain(result)).toEqual(after);
  expect(bytes(result)).toBe(bytes(after && doc(after)));
  expect(bytes(stored)).toBe(bytes(doc(before)));
}

const codeOf = (run: () => unknown): unknown => {
  try {
    run();
    return 'no error';
  } catch (error) {
    return (error as { code?: number }).code ?? error;
  }
};

describe('an update operator', () => {
  const cases: [Fields, Fields, Fields | null][] = [
    // [update, before, after]
    [{ $set: { a: 1 } }, {}, { a: 1 }],
    [{ $set: { a: 1 } }, { a: 1 }, null],
    [{ $set: { a: new Double(1) } }, { a: 1 }, { a: new Double(1) }],
    [{ $set: { a: 1n } }, { a: 1 }, { a: 1n }],
    [{ $set: { a: dec('1.0') } }, { a: dec('1.00') }, { a: dec('1.0') }],
    [{ $set: { a: { y: 1, x: 2 } } }, { a: { x: 2, y: 1 } }, { a: { y: 1, x: 2 } }],
    [{ $set: { a: [1] } }, { a: [1] }, null],
    [{ $set: {} }, { a: 1 }, null],
    [{ $set: { 'a.b.c': 1 } }, { x: 1 }, { x: 1, a: { b: { c: 1 } } }],
    [{ $rename: { 'a.7': 'b', 'c.d': 'e' } }, { a: [1], b: 2 }, null],
    [{ $rename: { a: 'b' } }, { a: 1, b: new Double(1) }, { b: new Double(1) }],
    [{ $pull: { a: new BSONRegExp('x') } }, { a: ['x', ['x'], 'y'] }, { a: ['y'] }],
    [
      { $pull: { a: { $ref: 'c', $id: 1 } } },
      {
        a: [
          { $ref: 'c', $id: 1 },
          { $ref: 'c', $id: 2 },
        ],
      },
      { a: [{ $ref: 'c', $id: 2 }] },
    ],
    [{ $pull: { a: { 'b.c': 1 } } }, { a: [{ 'b.c': 1 }, { b: { c: 1 } }] }, { a: [{ 'b.c': 1 }] }],
    [{ $set: { 'a.b': 2 } }, { a: { b: 1, c: 3 } }, { a: { b: 2, c: 3 } }],
    [{ $set: { 'a.1': 9 } }, { a: [1, 2, 3] }, { a: [1, 9, 3] }],
    [{ $set: { 'a.3': 9 } }, { a: [1] }, { a: [1, null, null, 9] }],
    [{ $set: { 'a.0.b': 1 } }, { a: [{}] }, { a: [{ b: 1 }] }],
    [{ $set: { 'a.0': 1 } }, {}, { a: { '0': 1 } }],
    [{ $set: { z: 1, m: 2, a: 3 } }, {}, { a: 3, m: 2, z: 1 }],
    [{ $set: { 'x.10': 1, 'x.9': 2 } }, { x: {} }, { x: { '9': 2, '10': 1 } }],
    [{ $set: { b: 1 }, $inc: { a: 1 } }, {}, { a: 1, b: 1 }],
    [{ $unset: { a: '' } }, { a: 1, b: 2 }, { b: 2 }],
    [{ $unset: { 'a.b': 1, c: 1 } }, { a: 5 }, null],
    [{ $unset: { 'a.0': 1 } }, { a: [1, 2] }, { a: [null, 2] }],
    [{ $unset: { 'a.b': 1 } }, { a: [1] }, null],
    [{ $setOnInsert: { a: 1 } }, { b: 1 }, null],
    // arithmetic keeps the right type
    [{ $inc: { a: 1 } }, { a: 1 }, { a: 2 }],
    [{ $inc: { a: 1 } }, {}, { a: 1 }],
    [{ $inc: { a: 1 } }, { a: 2147483647 }, { a: 2147483648n }],
    [{ $inc: { a: 1n } }, { a: 1 }, { a: 2n }],
    [{ $inc: { a: 0.5 } }, { a: 1n }, { a: 1.5 }],
    [{ $inc: { a: new Double(1) } }, { a: 1 }, { a: new Double(2) }],
    [{ $inc: { a: dec('0.10') } }, { a: 1 }, { a: dec('1.10') }],
    [{ $inc: { a: 1n } }, { a: dec('1.0') }, { a: dec('2.0') }],
    [{ $inc: { a: 0 } }, { a: 5 }, null],
    [{ $inc: { a: -1, 'b.c': 2 } }, { a: 5n }, { a: 4n, b: { c: 2 } }],
    [{ $mul: { a: 2 } }, { a: 3 }, { a: 6 }],
    [{ $mul: { a: 2 } }, { a: 2000000000 }, { a: 4000000000n }],
    [{ $mul: { a: 2 } }, {}, { a: 0 }],
    [{ $mul: { a: 2n } }, {}, { a: 0n }],
    [{ $mul: { a: 1.5 } }, {}, { a: double(0) }],
    [{ $mul: { a: dec('1.1') } }, { a: 2 }, { a: dec('2.2') }],
    [{ $min: { a: 5 } }, { a: 7n }, { a: 5 }],
    [{ $min: { a: 5 } }, { a: 5n }, null],
    [{ $min: { a: dec('4.5') } }, { a: 5 }, { a: dec('4.5') }],
    [{ $max: { a: 'text' } }, { a: 5 }, { a: 'text' }],
    [{ $max: { a: 1 } }, {}, { a: 1 }],
    [{ $max: { a: 1 } }, { a: null }, { a: 1 }],
    [
      { $currentDate: { a: true, b: { $type: 'timestamp' }, c: { $type: 'date' } } },
      {},
      { a: NOW, b: new Timestamp({ t: NOW.getTime() / 1000, i: 1 }), c: NOW },
    ],
    [{ $bit: { a: { and: 6, or: 8 } } }, { a: 7 }, { a: 14 }],
    [{ $bit: { a: { xor: 1n } } }, { a: 1 }, { a: 0n }],
    [{ $bit: { a: { or: 5 } } }, {}, { a: 5 }],
    [{ $rename: { a: 'b' } }, { a: 1, b: 2, c: 3 }, { b: 1, c: 3 }],
    [{ $rename: { a: 'x.y' } }, { a: 1, c: 3 }, { c: 3, x: { y: 1 } }],
    [{ $rename: { 'x.y': 'a' } }, { x: { y: 1, z: 2 } }, { x: { z: 2 }, a: 1 }],
    [{ $rename: { missing: 'b' } }, { b: 1 }, null],
    // arrays
    [{ $push: { a: 1 } }, {}, { a: [1] }],
    [{ $push: { a: [2] } }, { a: [1] }, { a: [1, [2]] }],
    [{ $push: { a: { $each: [3, 4], $position: 1 } } }, { a: [1, 2] }, { a: [1, 3, 4, 2] }],
    [{ $push: { a: { $each: [9], $position: -1 } } }, { a: [1, 2] }, { a: [1, 9, 2] }],
    [{ $push: { a: { $each: [3, 4], $slice: -2 } } }, { a: [1] }, { a: [3, 4] }],
    [{ $push: { a: { $each: [], $slice: 0 } } }, { a: [1] }, { a: [] }],
    [{ $push: { a: { $each: [] } } }, { a: [1] }, null],
    [{ $push: { a: { $each: [3], $slice: 1 } } }, { a: [1] }, { a: [1] }],
    [{ $push: { a: { $each: [], $sort: 1 } } }, { a: [1] }, { a: [1] }],
    [{ $push: { a: { $each: [], $sort: 1 } } }, { a: [] }, null],
    [{ $push: { a: { $each: [] } } }, {}, { a: [] }],
    [{ $push: { a: { $each: [1n, dec('0.5')], $sort: -1 } } }, { a: [3, 2] }, { a: [3, 2, 1n, dec('0.5')] }],
    [
      { $push: { a: { $each: [{ s: 1 }], $sort: { s: 1, t: -1 }, $slice: 2 } } },
      { a: [{ s: 2 }, { s: 1, t: 1 }] },
      { a: [{ s: 1, t: 1 }, { s: 1 }] },
    ],
    [{ $push: { a: { $slice: 1 } } }, { a: [] }, { a: [{ $slice: 1 }] }],
    [{ $addToSet: { a: 1 } }, { a: [1n] }, null],
    [{ $addToSet: { a: { $each: [1, 2, 2, dec('1.0')] } } }, { a: [1] }, { a: [1, 2] }],
    [
      { $addToSet: { a: { y: 1, x: 1 } } },
      { a: [{ x: 1, y: 1 }] },
      {
        a: [
          { x: 1, y: 1 },
          { y: 1, x: 1 },
        ],
      },
    ],
    [{ $addToSet: { a: [1] } }, {}, { a: [[1]] }],
    [{ $pop: { a: 1 } }, { a: [1, 2] }, { a: [1] }],
    [{ $pop: { a: -1 } }, { a: [1, 2] }, { a: [2] }],
    [{ $pop: { a: 1 } }, { a: [] }, null],
    [{ $pop: { a: 1 } }, {}, null],
    [{ $pull: { a: 1 } }, { a: [1, 1n, 2, [1]] }, { a: [2, [1]] }],
    [{ $pull: { a: { $gte: 2 } } }, { a: [1, 2, 3] }, { a: [1] }],
    [{ $pull: { a: { x: 1 } } }, { a: [{ x: 1, y: 2 }, { x: 2 }, 1] }, { a: [{ x: 2 }, 1] }],
    [{ $pull: { a: { x: { $in: [1, 2] } } } }, { a: [{ x: 2 }, { x: 3 }] }, { a: [{ x: 3 }] }],
    [{ $pull: { a: [1, 2] } }, { a: [[1, 2], 1] }, { a: [1] }],
    [{ $pull: { 'a.b': 1 } }, {}, null],
    [{ $pull: { a: null } }, { a: [null, 1] }, { a: [1] }],
    [
      { $pullAll: { a: [1, { x: 1 }] } },
      { a: [1n, 2, { x: 1 }, { x: 1, y: 1 }] },
      { a: [2, { x: 1, y: 1 }] },
    ],
    [{ $set: { 'a.$[]': 0 } }, { a: [1, 2] }, { a: [0, 0] }],
    [{ $inc: { 'a.$[].n': 1 } }, { a: [{ n: 1 }, {}] }, { a: [{ n: 2 }, { n: 1 }] }],
  ];
  test.each(cases)('%j on %j', (update, before, after) => {
    expectUpdate(before, after, compile(update));
  });

  test.each<[Fields, Fields, Fields[] | undefined, Fields, Fields | null]>([
    [{ $set: { 'a.$': 9 } }, { a: 2 }, undefined, { a: [1, 2, 2] }, { a: [1, 9, 2] }],
    [
      { $inc: { 'a.$.n': 1 } },
      { 'a.k': 'y' },
      undefined,
      {
        a: [
          { k: 'x', n: 1 },
          { k: 'y', n: 1 },
        ],
      },
      {
        a: [
          { k: 'x', n: 1 },
          { k: 'y', n: 2 },
        ],
      },
    ],
    [{ $unset: { 'a.$': 1 } }, { a: 2 }, undefined, { a: [1, 2] }, { a: [1, null] }],
    [{ $set: { 'a.$[i]': 0 } }, {}, [{ i: { $gt: 1 } }], { a: [1, 2, 3n] }, { a: [1, 0, 0] }],
    [
      { $set: { 'a.$[i].n': 0 } },
      {},
      [{ 'i.k': 'x' }],
      { a: [{ k: 'x' }, { k: 'y' }] },
      { a: [{ k: 'x', n: 0 }, { k: 'y' }] },
    ],
    [
      { $set: { 'a.$[i].b.$[j]': 0 } },
      {},
      [{ 'i.k': 1 }, { j: { $gt: 1 } }],
      {
        a: [
          { k: 1, b: [1, 2] },
          { k: 2, b: [2] },
        ],
      },
      {
        a: [
          { k: 1, b: [1, 0] },
          { k: 2, b: [2] },
        ],
      },
    ],
    [
      { $push: { 'a.$[i].l': 1 } },
      {},
      [{ $or: [{ 'i.k': 1 }, { 'i.k': 2 }] }],
      { a: [{ k: 1 }, { k: 3 }] },
      { a: [{ k: 1, l: [1] }, { k: 3 }] },
    ],
    [{ $set: { 'a.$[i]': 0 } }, {}, [{ i: 9 }], { a: [1] }, null],
  ])('%j with filter %j and array filters %j on %j', (update, filter, arrayFilters, before, after) => {
    expectUpdate(before, after, compile(update, filter, arrayFilters));
  });

  test.each<[Fields, Fields, number]>([
    [{ $set: { 'a.b': 1 } }, { a: 5 }, 28],
    [{ $set: { 'a.b': 1 } }, { a: null }, 28],
    [{ $set: { 'a.b': 1 } }, { a: [1] }, 28],
    [{ $push: { 'a.b': 1 } }, { a: 'x' }, 28],
    [{ $inc: { a: 1 } }, { a: 'x' }, 14],
    [{ $inc: { a: 1 } }, { a: null }, 14],
    [{ $mul: { a: 1 } }, { a: [1] }, 14],
    [{ $inc: { a: 1n } }, { a: LONG_MAX }, 2],
    [{ $mul: { a: 2n } }, { a: LONG_MAX }, 2],
    [{ $bit: { a: { and: 1 } } }, { a: 1.5 }, 2],
    [{ $push: { a: 1 } }, { a: 5 }, 2],
    [{ $addToSet: { a: 1 } }, { a: null }, 2],
    [{ $pull: { a: 1 } }, { a: 5 }, 2],
    [{ $pullAll: { a: [1] } }, { a: 'x' }, 2],
    [{ $pop: { a: 1 } }, { a: 5 }, 14],
    [{ $set: { _id: 2 } }, { _id: 1 }, 66],
    [{ $set: { _id: new Double(1) } }, { _id: 1 }, 66],
    [{ $unset: { _id: 1 } }, { _id: 1 }, 66],
    [{ $set: { '_id.x': 2 } }, { _id: { x: 1 } }, 66],
    [{ $set: { 'a.$[]': 1 } }, { a: 5 }, 2],
    [{ $set: { 'a.$[]': 1 } }, {}, 2],
    [{ $set: { 'a.$': 1 } }, { a: [1] }, 2],
    [{ $set: { 'a.$[].b': 1, 'a.0.b': 2 } }, { a: [{}] }, 40],
    [{ $set: { 'a.9000000': 1 } }, { a: [] }, 34],
    [{ $pull: { 'a.b': 1 } }, { a: 5 }, 28],
    [{ $pullAll: { 'a.b': [1] } }, { a: [] }, 28],
    [{ $pop: { 'a.b': 1 } }, { a: null }, 28],
    [{ $rename: { 'a.0': 'b' } }, { a: [1] }, 2],
    [{ $rename: { 'a.x': 'b' } }, { a: [{ x: 1 }] }, 28],
    [{ $rename: { 'a.x': 'b' } }, { a: 1 }, 28],
    [{ $rename: { b: 'a.x' } }, { a: [{ x: 1 }], b: 1 }, 2],
    [{ replaced: 1, _id: 2 }, { _id: 1 }, 66],
    [{ replaced: 1, _id: null }, { _id: 1 }, 66],
  ])('%j fails on %j with code %d', (update, before, code) => {
    expect(codeOf(() => compile(update).apply(doc(before)))).toBe(code);
  });

  test.each<[Fields | Fields[], Fields[] | undefined, number]>([
    [{ $foo: { a: 1 } }, undefined, 9],
    [{ $set: 5 }, undefined, 9],
    [{ $set: { a: 1 }, b: 1 }, undefined, 9],
    [{ a: 1, $set: { b: 1 } }, undefined, 52],
    [{ $set: { a: 1, 'a.b': 2 } }, undefined, 40],
    [{ $set: { 'a.$[].b': 1, 'a.0.c': 2 } }, undefined, 40],
    [{ $set: { a: 1 }, $inc: { a: 1 } }, undefined, 40],
    [{ $set: { a: 1 }, $unset: { 'a.b': 1 } }, undefined, 40],
    [{ $rename: { a: 'b' }, $set: { b: 1 } }, undefined, 40],
    [{ $rename: { a: 'a' } }, undefined, 2],
    [{ $rename: { a: 'a.b' } }, undefined, 2],
    [{ $rename: { a: 5 } }, undefined, 2],
    [{ $rename: { 'a.$[]': 'b' } }, undefined, 2],
    [{ $inc: { a: 'x' } }, undefined, 14],
    [{ $mul: { a: null } }, undefined, 14],
    [{ $set: { '': 1 } }, undefined, 56],
    [{ $set: { 'a..b': 1 } }, undefined, 56],
    [{ $set: { 'a.$x': 1 } }, undefined, 52],
    [{ $set: { '$.a': 1 } }, undefined, 2],
    [{ $set: { 'a.$.b.$': 1 } }, undefined, 2],
    [{ $set: { 'a.$[i]': 1 } }, undefined, 2],
    [{ $set: { a: 1 } }, [{ i: 1 }], 9],
    [{ $set: { 'a.$[i]': 1 } }, [{ i: 1 }, { i: 2 }], 9],
    [{ $set: { 'a.$[i]': 1 } }, [{ i: 1, j: 2 }], 9],
    [{ $set: { 'a.$[I]': 1 } }, [{ I: 1 }], 2],
    [{ $set: { 'a.$[i]': 1 } }, [{}], 9],
    [{ $pop: { a: 2 } }, undefined, 9],
    [{ $pull: { a: { $expr: true } } }, undefined, 2],
    [{ $push: { a: { $each: 1 } } }, undefined, 2],
    [{ $push: { a: { $each: [], $foo: 1 } } }, undefined, 2],
    [{ $push: { a: { $each: [], $slice: 'x' } } }, undefined, 2],
    [{ $push: { a: { $each: [], $sort: 2 } } }, undefined, 2],
    [{ $push: { a: { $each: [], $sort: { 'b.': 1 } } } }, undefined, 2],
    [{ $addToSet: { a: { $each: 1 } } }, undefined, 14],
    [{ $pullAll: { a: 1 } }, undefined, 2],
    [{ $bit: { a: { nand: 1 } } }, undefined, 2],
    [{ $bit: { a: { and: 1.5 } } }, undefined, 2],
    [{ $currentDate: { a: 'now' } }, undefined, 2],
    [{ $currentDate: { a: { $type: 'time' } } }, undefined, 2],
    [[{ $match: { a: 1 } }], undefined, 72],
    [[{ $foo: 1 }], undefined, 40324],
    [[{ $set: { a: 1 }, $unset: 'b' }], undefined, 40323],
    [[{ $set: { a: { $foo: 1 } } }], undefined, 168],
    [{ a: 1 }, [{ i: 1 }], 9],
  ])('%j with array filters %j is refused with code %d', (update, arrayFilters, code) => {
    expect(codeOf(() => compile(update, {}, arrayFilters))).toBe(code);
  });

  test('many fields and many elements', () => {
    const many = Array.from({ length: 150_000 }, (_, at) => at);
    const fields = BDoc.from(many.map(String), many);
    const replaced = compileUpdate(fields, { ctx, filter: doc({}) }).apply(doc({ _id: 1, a: many }))!;
    expect(replaced.size).toBe(many.length + 1);
    const next = compile({ $inc: { 'a.$[]': 1 } }).apply(doc({ _id: 1, a: many }))!;
    expect(next.get('a')).toEqual(many.map((n) => n + 1));
  });

  test('$push takes more values than a call has arguments', () => {
    const many = Array.from({ length: 200_000 }, () => 1);
    const next = compile({ $push: { a: { $each: many, $position: 1 } } }).apply(doc({ a: [0, 2] }))!;
    expect(next.get('a')).toEqual([0, ...many, 2]);
  });

  test('a change of a long field leaves the other fields as they were stored', () => {
    const stored = BDoc.of(['_id', 1], ['b', 1], ['1', double(5)], ['a', 0], ['0', 5n]);
    const next = compile({ $inc: { a: 1 } }).apply(BDoc.fromBytes(stored.toBytes()))!;
    expect(next.keys()).toEqual(['_id', 'b', '1', 'a', '0']);
    expect(next.entries().map(([, value]) => typeName(value))).toEqual([
      'int',
      'int',
      'double',
      'int',
      'long',
    ]);
  });
});

describe('a replacement', () => {
  test.each<[Fields, Fields, Fields | null]>([
    [{ b: 2 }, { _id: 1, a: 1 }, { _id: 1, b: 2 }],
    [
      { b: 2, _id: 1 },
      { _id: 1, a: 1 },
      { _id: 1, b: 2 },
    ],
    [{}, { _id: 1, a: 1 }, { _id: 1 }],
    [{}, { _id: 1 }, null],
    [
      { a: 1, _id: 1 },
      { _id: 1, a: 1 },
      { _id: 1, a: 1 },
    ],
    [{ a: 1 }, { _id: 1, a: 1 }, { _id: 1, a: 1 }],
    [{ _id: 1, a: 1 }, { _id: 1, a: 1 }, null],
    [{ _id: new Double(1) }, { _id: 1, a: 1 }, { _id: new Double(1) }],
    [{ a: { $x: 1 } }, { _id: 1 }, { _id: 1, a: { $x: 1 } }],
  ])('%j of %j', (update, before, after) => {
    expectUpdate(before, after, compile(update));
  });
});

describe('a pipeline update', () => {
  test.each<[Fields[], Fields, Fields | null]>([
    [[{ $set: { b: { $add: ['$a', 1] } } }, { $unset: 'a' }], { _id: 1, a: 1 }, { _id: 1, b: 2 }],
    [[{ $replaceWith: { x: '$a' } }], { _id: 1, a: 1 }, { _id: 1, x: 1 }],
    [[{ $replaceRoot: { newRoot: { $mergeObjects: ['$$ROOT', { y: 1 }] } } }], { _id: 1 }, { _id: 1, y: 1 }],
    [[{ $project: { a: 1 } }], { _id: 1, a: 1, b: 2 }, { _id: 1, a: 1 }],
    [[{ $addFields: { a: 1 } }], { _id: 1, a: 1 }, null],
    [[{ $set: { now: '$$NOW' } }], { _id: 1 }, { _id: 1, now: NOW }],
  ])('%j on %j', (update, before, after) => {
    expectUpdate(before, after, compile(update));
  });

  test('cannot change the _id', () => {
    expect(codeOf(() => compile([{ $set: { _id: 2 } }]).apply(doc({ _id: 1 })))).toBe(66);
  });
});

describe('an upsert', () => {
  test.each([{ $expr: true }, { $or: [{ a: 1 }, { $and: [{ $expr: true }] }] }])(
    'is refused with the filter %j',
    (filter) => {
      const run = () => compileUpdate(doc({}), { ctx, filter: doc(filter), upsert: true });
      expect(codeOf(run)).toBe(224);
    },
  );

  test.each<[Fields, Fields | Fields[], Fields]>([
    [{ a: 1, b: { $gt: 5 } }, { $set: { c: 1 } }, { a: 1, c: 1 }],
    [{ $and: [{ a: 1 }, { $and: [{ 'd.e': 2 }] }] }, { $inc: { n: 1 } }, { a: 1, d: { e: 2 }, n: 1 }],
    [{ x: 1, _id: 7 }, { $setOnInsert: { y: 1 } }, { _id: 7, x: 1, y: 1 }],
    [{ a: { $eq: 5n } }, { $inc: { a: 1 } }, { a: 6n }],
    [{ b: 1, 'a.d': 1, 'a.c': 1 }, { $set: { a0: 1 } }, { a: { c: 1, d: 1 }, b: 1, a0: 1 }],
    [{ a: 1, $and: [{ a: 2 }, { _id: 1 }] }, { b: 1 }, { _id: 1, b: 1 }],
    [{ a: { $all: [3] }, $or: [{ b: 1 }], d: { $in: [4] } }, { $set: { c: 1 } }, { a: 3, b: 1, d: 4, c: 1 }],
    [{ _id: 3, a: 1 }, { b: 1 }, { _id: 3, b: 1 }],
    [{ a: 1 }, { b: 1 }, { b: 1 }],
    [{ a: 1 }, [{ $set: { b: '$a' } }], { a: 1, b: 1 }],
    [{ a: 1 }, [{ $unset: 'a' }], {}],
    [{}, { $setOnInsert: { _id: 5 }, $set: { a: 1 } }, { _id: 5, a: 1 }],
  ])('of %j with %j inserts %j', (filter, update, expected) => {
    expect(bytes(compile(update, filter).upsertBase())).toBe(bytes(doc(expected)));
  });

  test.each<[Fields, Fields, number]>([
    [{ a: 1, $and: [{ a: 2 }] }, { $set: { b: 1 } }, 54],
    [{ a: { x: 1 }, 'a.b': 1 }, { $set: { b: 1 } }, 54],
    [{ _id: 1 }, { $set: { _id: 2 } }, 66],
    [{ _id: 1 }, { _id: 2 }, 66],
    [{ '_id.x': 1 }, { b: 1 }, 111],
    [{ a: 5 }, { $set: { 'a.b': 1 } }, 28],
  ])('of %j with %j fails with code %d', (filter, update, code) => {
    expect(codeOf(() => compile(update, filter).upsertBase())).toBe(code);
  });
});
