import { Decimal128 } from 'bson';
import { doc, toPlain, type Plain } from '../bson/plain.js';
import { UNDEFINED } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import { compileSort } from './sort.js';

type Fields = { readonly [name: string]: Plain };
const sorted = (spec: Fields, docs: Fields[]): Plain[] =>
  compileSort(doc(spec))
    .sort(docs.map((one) => BDoc.fromBytes(doc(one).toBytes())))
    .map((one) => toPlain(one));

describe('a sort', () => {
  test('arrays count with their least element ascending and their greatest descending', () => {
    const docs = [{ a: [5, 1] }, { a: 2 }, { a: [3, 4] }];
    expect(sorted({ a: 1 }, docs)).toEqual([{ a: [5, 1] }, { a: 2 }, { a: [3, 4] }]);
    expect(sorted({ a: -1 }, docs)).toEqual([{ a: [5, 1] }, { a: [3, 4] }, { a: 2 }]);
  });

  test('missing sorts as null, an empty array below it, and numbers of all types by value', () => {
    const docs = [
      { a: 'x' },
      { a: Decimal128.fromString('1.5') },
      { a: 2n },
      { a: 1 },
      { b: 1 },
      { a: [] },
      { a: null },
    ];
    expect(sorted({ a: 1 }, docs)).toEqual([
      { a: [] },
      { b: 1 },
      { a: null },
      { a: 1 },
      { a: Decimal128.fromString('1.5') },
      { a: 2n },
      { a: 'x' },
    ]);
    expect(compileSort(doc({ a: 1 })).key(doc({ a: [] }))).toEqual([UNDEFINED]);
  });

  test('the parts of a compound key in one array belong to the same element', () => {
    const docs = [
      {
        a: [
          { x: 1, y: 1 },
          { x: 2, y: 9 },
        ],
      },
      { a: [{ x: 1, y: 5 }] },
    ];
    expect(sorted({ 'a.x': 1, 'a.y': -1 }, docs)).toEqual([docs[1], docs[0]]);
  });

  test('equal keys keep their order and later parts decide', () => {
    const docs = [
      { a: 1, b: 1, n: 1 },
      { a: 1, b: 2, n: 2 },
      { a: 1, b: 1, n: 3 },
    ];
    expect(sorted({ a: 1, b: -1 }, docs).map((one) => (one as { n: number }).n)).toEqual([2, 1, 3]);
  });

  test.each<[Fields, number]>([
    [{ a: 2 }, 15975],
    [{ a: 'asc' }, 15974],
    [{ a: { $meta: 'textScore' } }, 115],
    [{ '': 1 }, 40352],
    [{ 'a..b': 1 }, 15998],
    [{ $a: 1 }, 16410],
  ])('%j is refused with code %d', (spec, code) => {
    expect(() => compileSort(doc(spec))).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('two arrays in one key are refused', () => {
    expect(() => sorted({ a: 1, b: 1 }, [{ a: [1], b: [1] }])).toThrow(
      expect.objectContaining({ code: 2 }) as Error,
    );
  });
});
