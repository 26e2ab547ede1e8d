import { keyString } from '../bson/keystring.js';
import { doc, fromPlain, type Plain } from '../bson/plain.js';
import { UNDEFINED } from '../bson/type-of.js';
import { directions } from '../catalog/index.js';
import { indexKeys } from './index-keys.js';
import type { IndexKeys } from './index-keys.js';

type Fields = { readonly [name: string]: Plain };
const keysOf = (fields: Fields, pattern: Fields): IndexKeys =>
  indexKeys(
    doc(fields),
    Object.keys(pattern).map((path) => path.split('.')),
    directions(doc(pattern)),
  );
const hex = (keys: Buffer[]): string[] => keys.map((key) => key.toString('hex')).sort();

describe('the index keys of a document', () => {
  test.each<[Fields, Fields, Plain[][], string[]]>([
    [{ a: 1 }, { a: 5 }, [[5]], []],
    [{ a: 1 }, { b: 5 }, [[null]], []],
    [{ a: 1 }, { a: [1, 2, 1, 1n] }, [[1], [2]], ['a']],
    [{ a: 1 }, { a: [] }, [[UNDEFINED]], ['a']],
    [{ a: 1 }, { a: [[1, 2]] }, [[[1, 2]]], ['a']],
    [{ a: 1 }, { a: { x: 1 } }, [[{ x: 1 }]], []],
    [{ 'a.b': 1 }, { a: [{ b: 1 }, { b: 2 }, 5, {}] }, [[1], [2], [null]], ['a']],
    [{ 'a.b': 1 }, { a: [] }, [[null]], ['a']],
    [{ 'a.b': 1 }, { a: 5 }, [[null]], []],
    [{ 'a.b': 1 }, { a: [{ b: [1, 2] }, { b: 3 }] }, [[1], [2], [3]], ['a', 'a.b']],
    [{ 'a.0': 1 }, { a: [7, 8] }, [[7]], []],
    [{ 'a.0': 1 }, { a: [[7, 8]] }, [[[7, 8]]], []],
    [{ 'a.0': 1 }, { a: [[]] }, [[UNDEFINED]], []],
    [{ 'a.0.0': 1 }, { a: [[7]] }, [[7]], []],
    [{ 'a.1': 1 }, { a: [{ 1: 7 }] }, [[7]], ['a']],
    [{ 'a.1': 1 }, { a: [5] }, [[null]], ['a']],
    [
      { a: 1, b: 1 },
      { a: [1, 2], b: 3 },
      [
        [1, 3],
        [2, 3],
      ],
      ['a'],
    ],
    [
      { 'a.x': 1, 'a.y': 1 },
      { a: [{ x: 1, y: 2 }, { x: 3 }] },
      [
        [1, 2],
        [3, null],
      ],
      ['a'],
    ],
    [{ a: 1, 'a.x': 1 }, { a: [{ x: 1 }] }, [[{ x: 1 }, 1]], ['a']],
    [
      { 'a.x': 1, b: 1 },
      { a: [{ x: [1, 2] }], b: 0 },
      [
        [1, 0],
        [2, 0],
      ],
      ['a', 'a.x'],
    ],
  ])('%j of %j', (pattern, fields, tuples, multikeyPaths) => {
    const keys = keysOf(fields, pattern);
    expect(hex(keys.keys)).toEqual(hex(tuples.map((tuple) => keyString(tuple.map(fromPlain)))));
    expect(keys.multikeyPaths).toEqual(multikeyPaths);
  });

  test('of an array a sparse index holds the elements that have something at its paths', () => {
    const document = doc({ a: [{ x: 1 }, { y: null }, { z: 1 }, 5] });
    const paths = [
      ['a', 'x'],
      ['a', 'y'],
    ];
    const { keys } = indexKeys(document, paths, [1, 1], true);
    expect(hex(keys)).toEqual(hex([keyString([1, null]), keyString([null, null])]));
    expect(indexKeys(document, paths.slice(0, 1), [1], true).keys).toEqual([keyString([1])]);
  });

  test('a descending part is inverted', () => {
    const [key] = keysOf({ a: 1, b: 2 }, { a: 1, b: -1 }).keys;
    expect(key).toEqual(keyString([1, 2], [1, -1]));
  });

  test.each<[Fields, Fields]>([
    [
      { a: 1, b: 1 },
      { a: [1], b: [2] },
    ],
    [{ 'a.x': 1, 'a.y': 1 }, { a: [{ x: [1], y: [2] }] }],
    [
      { 'a.x': 1, b: 1 },
      { a: [{ x: 1 }], b: [] },
    ],
  ])('%j refuses the parallel arrays of %j', (pattern, fields) => {
    expect(() => keysOf(fields, pattern)).toThrow(expect.objectContaining({ code: 171 }) as Error);
  });
});
