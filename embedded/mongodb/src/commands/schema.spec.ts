import { doc } from '../bson/plain.js';
import { fields, parseCommand, parseFields } from './schema.js';

const SCHEMA = fields({
  doc: 'filter',
  int: 'limit',
  count: 'skip',
  bool: 'single',
  docs: 'documents',
  hint: 'hint',
  collation: 'collation',
});

test('fields come back under their names; numbers of any type are integers, and booleans too', () => {
  const args = parseCommand('find', SCHEMA, doc({ find: 'c', limit: 5n, single: 0.5, skip: null, $db: 't' }));
  expect(args).toEqual({ limit: 5, single: true });
});

test.each([
  [40415, { find: 'c', nosuch: 1 }],
  [14, { find: 'c', filter: 5 }],
  [14, { find: 'c', limit: 'x' }],
  [14, { find: 'c', documents: [1] }],
  [115, { find: 'c', validator: {} }],
  [51024, { find: 'c', skip: -1 }],
  [9, { find: 'c', hint: 1 }],
  [115, { find: 'c', collation: { locale: 'de' } }],
])('error %i for %j', (code, document) => {
  expect(() => parseCommand('find', SCHEMA, doc(document))).toThrow(expect.objectContaining({ code }));
});

test('inside a command the generic fields are unknown', () => {
  expect(() => parseFields('update.updates', SCHEMA, doc({ $db: 't' }))).toThrow(
    expect.objectContaining({ code: 40415 }),
  );
});

test('a document sequence counts as the field of its name, once', () => {
  const sequences = new Map([['documents', [doc({ _id: 1 })]]]);
  expect(parseCommand('insert', SCHEMA, doc({ insert: 'c' }), sequences).documents).toHaveLength(1);
  const both = doc({ insert: 'c', documents: [] });
  expect(() => parseCommand('insert', SCHEMA, both, sequences)).toThrow(
    expect.objectContaining({ code: 40413 }),
  );
});
