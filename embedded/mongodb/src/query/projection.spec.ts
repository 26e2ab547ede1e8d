import { doc, toPlain, type Plain } from '../bson/plain.js';
import { BDoc } from '../bson/values.js';
import { evalContext } from '../expr/expression.js';
import { compileAddFields, compileProject, compileProjection } from './projection.js';

type Fields = { readonly [name: string]: Plain };

function text(value: BDoc): string {
  return JSON.stringify(toPlain(value));
}

function found(spec: Fields, fields: Fields): string {
  const project = compileProjection(doc(spec), evalContext());
  return text(project(BDoc.fromBytes(doc(fields).toBytes())));
}

describe('the projection of a find', () => {
  const full = { _id: 1, z: 1, a: { b: 1, c: 2 }, list: [{ b: 1, c: 2 }, 5, [{ b: 3 }]], n: [1, 2, 3, 4] };
  test.each<[Fields, Fields]>([
    [{}, full],
    [
      { a: 1, z: 1 },
      { _id: 1, z: 1, a: { b: 1, c: 2 } },
    ],
    [{ _id: 0, z: true }, { z: 1 }],
    [{ _id: 1 }, { _id: 1 }],
    [{ _id: 0 }, { z: 1, a: { b: 1, c: 2 }, list: full.list, n: full.n }],
    [
      { 'a.b': 1, missing: 1 },
      { _id: 1, a: { b: 1 } },
    ],
    [{ a: { c: 1 } }, { _id: 1, a: { c: 2 } }],
    [{ 'z.x': 1 }, { _id: 1 }],
    [{ 'list.b': 1 }, { _id: 1, list: [{ b: 1 }, [{ b: 3 }]] }],
    [
      { a: 0, n: 0, list: 0 },
      { _id: 1, z: 1 },
    ],
    [
      { 'list.b': 0, n: 0, a: 0 },
      { _id: 1, z: 1, list: [{ c: 2 }, 5, [{}]] },
    ],
    [
      { a: 0, _id: 1, list: 0 },
      { _id: 1, z: 1, n: [1, 2, 3, 4] },
    ],
    [
      { n: { $slice: 2 }, _id: 0, a: 1 },
      { a: { b: 1, c: 2 }, n: [1, 2] },
    ],
    [
      { n: { $slice: -1 }, list: 0, a: 0 },
      { _id: 1, z: 1, n: [4] },
    ],
    [{ n: { $slice: [1, 2] } }, { ...full, n: [2, 3] }],
    [{ n: { $slice: [1.9, 2.5] } }, { ...full, n: [2, 3] }],
    [{ n: { $slice: [-3, 2] } }, { ...full, n: [2, 3] }],
    [
      { n: { $slice: [9, 2] }, z: 1 },
      { _id: 1, z: 1, n: [] },
    ],
    [
      { z: { $slice: 1 }, list: 0, n: 0 },
      { _id: 1, z: 1, a: { b: 1, c: 2 } },
    ],
    [{ list: { $elemMatch: { b: 1 } } }, { _id: 1, list: [{ b: 1, c: 2 }] }],
    [
      { n: { $elemMatch: { $gt: 2 } }, z: 1 },
      { _id: 1, z: 1, n: [3] },
    ],
    [{ n: { $elemMatch: { $gt: 9 } } }, { _id: 1 }],
    [
      { n: { $elemMatch: { $gt: 2 } }, list: { $elemMatch: { b: 9 } }, a: 0 },
      { _id: 1, z: 1, n: [3] },
    ],
    [
      { z: { $elemMatch: { b: 1 } }, n: { $slice: 1 } },
      { _id: 1, a: full.a, list: full.list, n: [1] },
    ],
    [
      { z: { $slice: 1 }, _id: 1 },
      { _id: 1, z: 1 },
    ],
    [{ n: { $elemMatch: { $gt: 2 } }, _id: 0 }, { n: [3] }],
    [
      { a: 1, sum: { $add: ['$z', 1] } },
      { _id: 1, a: { b: 1, c: 2 }, sum: 2 },
    ],
    [{ z: '$a.b' }, { _id: 1, z: 1 }],
    [{ x: 'text', _id: 0 }, { x: 'text' }],
    [
      { _id: '$z', z: 1 },
      { z: 1, _id: 1 },
    ],
    [
      { 'a.d': { $literal: 1 }, 'a.b': 1 },
      { _id: 1, a: { b: 1, d: 1 } },
    ],
    [{ 'list.d': '$z' }, { _id: 1, list: [{ d: 1 }, { d: 1 }, [{ d: 1 }]] }],
  ])('%j', (spec, expected) => {
    expect(found(spec, full)).toBe(JSON.stringify(expected));
  });

  test.each<[Fields, number]>([
    [{ a: 1, b: 0 }, 31254],
    [{ a: 0, b: 1 }, 31253],
    [{ a: { x: 1, y: 0 } }, 31254],
    [{ a: 0, b: '$x' }, 31310],
    [{ a: 0, b: { $add: 1 } }, 31252],
    [{ _id: '$x', b: 0 }, 31254],
    [{ a: 1, 'a.b': 1 }, 31249],
    [{ 'a.b': 1, a: 1 }, 31250],
    [{ 'a.b': 1, 'a.b.c': 1 }, 31249],
    [{ a: {} }, 51270],
    [{ a: { $meta: 'textScore' } }, 115],
    [{ a: { $foo: 1 } }, 31325],
    [{ a: { $add: { $foo: 1 } } }, 168],
    [{ a: { $slice: 1, b: 1 } }, 16410],
    [{ 'a.b': { $elemMatch: { x: 1 } } }, 31275],
    [{ n: { $slice: [1, 0] } }, 28724],
    [{ n: { $slice: 'x' } }, 28667],
    [{ 'a.$': 1 }, 115],
    [{ 'a.$.b': 1 }, 115],
    [{ $a: 1 }, 16410],
    [{ 'a.': 1 }, 40353],
  ])('%j is refused with code %d', (spec, code) => {
    expect(() => found(spec, full)).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('$slice does not reach into arrays inside arrays', () => {
    const before = { l: [{ x: [1, 2] }, [{ x: [1, 2] }]] };
    expect(found({ 'l.x': { $slice: 1 } }, before)).toBe('{"l":[{"x":[1]},[{"x":[1,2]}]]}');
  });

  test('integer-like names keep their order', () => {
    const one = BDoc.of(['b', 1], ['1', 2], ['a', 3], ['0', 4]);
    const project = compileProjection(BDoc.of(['0', 1], ['b', 1], ['1', 1]), evalContext());
    expect(project(one).keys()).toEqual(['b', '1', '0']);
  });
});

describe('$project and $addFields', () => {
  test('$project refuses an empty specification and treats $slice as an expression', () => {
    expect(() => compileProject(doc({}), evalContext())).toThrow(
      expect.objectContaining({ code: 51272 }) as Error,
    );
    expect(text(compileProject(doc({ a: { b: '$x' } }), evalContext())(doc({ x: 1 })))).toBe('{"a":{"b":1}}');
    const project = compileProject(doc({ 'a.b': 1, c: '$x', 'a.d': '$x' }), evalContext());
    expect(text(project(doc({ x: 1 })))).toBe('{"a":{"d":1},"c":1}');
  });

  test.each<[Fields, Fields, Fields]>([
    [{ b: '$a' }, { a: 1 }, { a: 1, b: 1 }],
    [{ a: 5 }, { a: 1, b: 2 }, { a: 5, b: 2 }],
    [{ 'a.x': 1 }, { a: { y: 2 } }, { a: { y: 2, x: 1 } }],
    [{ 'a.x': 1 }, { a: 7 }, { a: { x: 1 } }],
    [{ a: { x: 1 } }, { a: [{ y: 1 }, 2] }, { a: [{ y: 1, x: 1 }, { x: 1 }] }],
    [{ 'a.x': '$q' }, {}, { a: {} }],
    [{ a: '$$REMOVE' }, { a: 1, b: 2 }, { b: 2 }],
    [{ a: { $literal: {} } }, { a: 1 }, { a: {} }],
    [
      { a: '$b', b: '$a' },
      { a: 1, b: 2 },
      { a: 2, b: 1 },
    ],
  ])('$addFields %j on %j', (spec, fields, expected) => {
    expect(text(compileAddFields(doc(spec), evalContext())(doc(fields)))).toBe(JSON.stringify(expected));
  });
});
