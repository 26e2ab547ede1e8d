import { doc, toPlain } from '../bson/plain.js';
import { identity, parseIndexSpec, specDocument } from './index.js';

test('a definition is shown with what it set', () => {
  const spec = parseIndexSpec(
    doc({ name: 'x', key: { a: 1, 'b.c': -1 }, unique: true, sparse: true, background: true }),
  );
  expect(toPlain(specDocument(spec))).toEqual({
    v: 2,
    key: { a: 1, 'b.c': -1 },
    name: 'x',
    unique: true,
    sparse: true,
  });
});

test.each([
  [9, {}],
  [67, { key: {} }],
  [67, { key: { a: 0 } }],
  [67, { key: { '': 1 } }],
  [67, { key: { a: 1, b: 1 }, expireAfterSeconds: 5 }],
  [67, { key: { a: 1 }, expireAfterSeconds: -1 }],
  [67, { key: { a: 1 }, sparse: true, partialFilterExpression: { a: 1 } }],
  [197, { key: { a: 1 }, nosuch: 1 }],
  [115, { key: { a: 'hashed' } }],
  [115, { key: { '$**': 1 } }],
  [115, { key: { a: 1 }, collation: { locale: 'de' } }],
  [67, { key: { a: '1' } }],
  [67, { key: { 'a.$b': 1 } }],
])('error %i for %j', (code, definition) => {
  expect(() => parseIndexSpec(doc({ name: 'x', ...definition }))).toThrow(expect.objectContaining({ code }));
});

test('unique, sparse and the partial filter are part of the identity, the number type of a direction is not', () => {
  const identityOf = (definition: object): string =>
    identity(parseIndexSpec(doc({ name: 'x', ...definition })));
  expect(identityOf({ key: { a: 1 } })).toBe(identityOf({ key: { a: 1n }, expireAfterSeconds: 9 }));
  for (const option of [{ unique: true }, { sparse: true }, { partialFilterExpression: { b: 1 } }])
    expect(identityOf({ key: { a: 1 } })).not.toBe(identityOf({ key: { a: 1 }, ...option }));
});

test.each([{ a: { $ne: 1 } }, { a: { $regex: 'x' } }, { $nor: [{ a: 1 }] }, { a: { $not: { $gt: 1 } } }])(
  'a partial filter of %j is refused, because no query could be proved to imply it',
  (partialFilterExpression) => {
    const definition = doc({ name: 'x', key: { a: 1 }, partialFilterExpression });
    expect(() => parseIndexSpec(definition)).toThrow(expect.objectContaining({ code: 67 }));
  },
);
