import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Decimal128,
  Double,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'bson';
import { doc, fromPlain, type Plain } from '../bson/plain.js';
import { UNDEFINED } from '../bson/type-of.js';
import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { evalContext } from '../expr/expression.js';
import { compileFilter } from './matcher.js';

type Fields = { readonly [name: string]: Plain };
const dec = (text: string): Decimal128 => Decimal128.fromString(text);
const regex = (pattern: string, options = ''): BSONRegExp => new BSONRegExp(pattern, options);

/** Both as built and as read from bytes. */
function matches(filter: Fields, fields: Fields): boolean {
  const { matches: test } = compileFilter(doc(filter), evalContext());
  const built = doc(fields);
  const answers = [test(built), test(BDoc.fromBytes(built.toBytes()))];
  expect(answers[0]).toBe(answers[1]);
  return answers[0]!;
}

describe('a filter', () => {
  const yes: [Fields, Fields][] = [
    [{}, { a: 1 }],
    [{ a: 1 }, { a: 1 }],
    [{ a: 5 }, { a: 5n }],
    [{ a: 5n }, { a: new Double(5) }],
    [{ a: new Double(5) }, { a: dec('5.00') }],
    [{ a: 'x' }, { a: new BSONSymbol('x') }],
    [{ a: NaN }, { a: NaN }],
    [{ a: { $gte: NaN } }, { a: dec('NaN') }],
    [{ a: 0 }, { a: -0 }],
    [{ a: { $gt: 9007199254740992 } }, { a: 9007199254740993n }],
    [{ a: { $lt: 10n } }, { a: 9n }],
    [{ a: { $gt: { x: 1 } } }, { a: { x: 2 } }],
    // null and missing
    [{ a: null }, { b: 1 }],
    [{ a: null }, { a: null }],
    [{ a: { $lte: null } }, {}],
    [{ 'a.b': null }, { a: 5 }],
    [{ 'a.b': null }, { a: {} }],
    [{ 'a.b': null }, { a: [{ b: 1 }, {}] }],
    [{ a: { $in: [null, 3] } }, {}],
    [{ a: { $ne: 1 } }, {}],
    [{ a: { $nin: [1] } }, { a: [2, 3] }],
    [{ a: { $not: { $gt: 5 } } }, { a: 'text' }],
    [{ a: { $exists: false } }, {}],
    [{ a: { $exists: true } }, { a: null }],
    [{ 'a.b': { $exists: false } }, { a: [1, 2] }],
    // arrays
    [{ a: 2 }, { a: [1, 2, 3] }],
    [{ a: [1, 2] }, { a: [1, 2] }],
    [{ a: [1, 2] }, { a: [[1, 2], 3] }],
    [{ a: { $gt: 2, $lt: 2 } }, { a: [1, 3] }],
    [{ 'a.b': 1 }, { a: [{ b: 0 }, { b: [1] }] }],
    [{ 'a.1': 2 }, { a: [1, 2] }],
    [{ 'a.1.b': 2 }, { a: [{ b: 1 }, { b: 2 }] }],
    [{ 'a.0': 7 }, { a: [{ '0': 7 }] }],
    [{ 'a.0.b': 1 }, { a: [[{ b: 1 }]] }],
    [{ a: { $size: 0 } }, { a: [] }],
    [{ a: { $size: 2n } }, { a: [1, [2]] }],
    [{ a: { $all: [1, 2] } }, { a: [2, 1, 3] }],
    [{ a: { $all: [5] } }, { a: 5 }],
    [{ a: { $all: [[1, 2]] } }, { a: [1, 2] }],
    [{ a: { $all: [{ $elemMatch: { x: 1 } }, { $elemMatch: { x: 2 } }] } }, { a: [{ x: 1 }, { x: 2 }] }],
    [{ a: { $all: [regex('^x')] } }, { a: ['xy'] }],
    [{ a: { $elemMatch: { $id: 1 } } }, { a: [{ $ref: 'c', $id: 1 }] }],
    [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, { a: [0, 2, 5] }],
    [{ a: { $elemMatch: { x: 1, y: 2 } } }, { a: [{ x: 1 }, { x: 1, y: 2 }] }],
    [{ a: { $elemMatch: { $or: [{ x: 1 }, { y: 1 }] } } }, { a: [{ y: 1 }] }],
    [{ a: { $elemMatch: { $elemMatch: { $eq: 1 } } } }, { a: [[1]] }],
    [{ a: { $elemMatch: { $not: { $gt: 1 } } } }, { a: [5, 0] }],
    // documents
    [{ a: { x: 1, y: 2 } }, { a: { x: 1, y: 2 } }],
    [{ a: {} }, { a: {} }],
    [{ a: { $eq: { $x: 1 } } }, { a: { $x: 1 } }],
    [{ a: { $ref: 'c', $id: 1 } }, { a: { $ref: 'c', $id: 1 } }],
    // types
    [{ a: { $type: 'number' } }, { a: 5n }],
    [{ a: { $type: ['string', 16] } }, { a: [1] }],
    [{ a: { $type: 'array' } }, { a: [] }],
    [{ a: { $type: 'double' } }, { a: new Double(5) }],
    [{ a: { $type: 'long' } }, { a: 5n }],
    [{ a: { $type: 'decimal' } }, { a: dec('1') }],
    [{ a: { $type: 'objectId' } }, { a: new ObjectId() }],
    [{ a: { $type: 7 } }, { a: new ObjectId() }],
    [{ a: { $type: 'binData' } }, { a: new Binary(Buffer.alloc(1)) }],
    [{ a: { $type: 'timestamp' } }, { a: new Timestamp({ t: 1, i: 1 }) }],
    [{ a: { $type: -1 } }, { a: new MinKey() }],
    [{ a: { $type: 'null' } }, { a: null }],
    [{ a: { $type: 6 } }, { a: UNDEFINED }],
    [{ a: { $lt: new MaxKey() } }, { a: 'anything' }],
    [{ a: { $gt: new MinKey() } }, { a: 5 }],
    [{ a: { $mod: [4, 1] } }, { a: 5.9 }],
    [{ a: { $mod: [4, -1] } }, { a: -5n }],
    [{ a: { $mod: [3.7, 0.2] } }, { a: dec('6.5') }],
    // regular expressions
    [{ a: regex('^AB', 'i') }, { a: 'abc' }],
    [{ a: { $regex: 'b$' } }, { a: ['x', 'ab\n'] }],
    [{ a: { $regex: regex('a'), $options: 'i' } }, { a: 'A' }],
    [{ a: { $regex: 'a', $options: 'i', $not: { $regex: 'z' } } }, { a: 'A' }],
    [{ a: { $in: [regex('^x'), 5] } }, { a: 'xyz' }],
    [{ a: { $eq: regex('x') } }, { a: regex('x') }],
    [{ a: regex('x') }, { a: regex('x') }],
    [{ a: { $not: regex('x') } }, { a: 'y' }],
    // logic
    [{ $or: [{ a: 1 }, { b: 1 }] }, { b: 1 }],
    [{ $nor: [{ a: 1 }, { b: 1 }] }, { a: 2 }],
    [
      { $and: [{ a: 1 }, { b: 2 }], $comment: 'why' },
      { a: 1, b: 2 },
    ],
    [{ $expr: { $gt: ['$a', '$b'] } }, { a: 2, b: 1 }],
    [{ a: { $gt: 1, $comment: 'x' } }, { a: 2 }],
    [
      { __proto__x: 1, 'b.constructor': null },
      { __proto__x: 1, b: {} },
    ],
  ];
  test.each(yes)('%j matches %j', (filter, fields) => {
    expect(matches(filter, fields)).toBe(true);
  });

  const no: [Fields, Fields][] = [
    [{ a: 5 }, { a: '5' }],
    [{ a: { $lt: 5 } }, { a: NaN }],
    [{ a: { $lt: 5 } }, { a: null }],
    [{ a: { $gt: 5 } }, { a: 'text' }],
    [{ a: { $gte: 5 } }, { a: new Date() }],
    [{ a: 9007199254740992 }, { a: 9007199254740993n }],
    [{ a: 0.1 }, { a: dec('0.1') }],
    [{ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }],
    [{ a: {} }, { a: { x: 1 } }],
    [{ 'a.high': 0 }, { a: 5n }],
    [{ 'a.sub_type': 0 }, { a: new Binary(Buffer.alloc(1)) }],
    [{ a: null }, { a: UNDEFINED }],
    [{ 'a.b': null }, { a: [1, 2] }],
    [{ 'a.b': null }, { a: [] }],
    [{ a: { $lt: null } }, { a: null }],
    [{ a: { $exists: true } }, { b: 1 }],
    [{ a: { $ne: 2 } }, { a: [1, 2] }],
    [{ a: { $nin: [2] } }, { a: [1, 2] }],
    [{ a: { $in: [] } }, { a: 1 }],
    [{ a: { $all: [] } }, { a: [] }],
    [{ 'a.0': 1 }, { a: [[1]] }],
    [{ a: { $size: 1 } }, { a: 1 }],
    [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, { a: [0, 5] }],
    [{ a: { $elemMatch: { x: 1, y: 2 } } }, { a: [{ x: 1 }, { y: 2 }] }],
    [{ a: { $elemMatch: { $gt: 1 } } }, { a: [[2]] }],
    [{ a: { $type: 'int' } }, { a: new Double(5) }],
    [{ a: { $type: 'number' } }, { a: '5' }],
    [{ a: { $mod: [4, 1] } }, { a: 'text' }],
    [{ a: { $mod: [4, 1] } }, { a: Infinity }],
    [{ a: regex('x') }, { a: 5 }],
    [{ a: regex('x') }, { a: regex('x', 'i') }],
    [{ a: new Binary(Buffer.from([0xff])) }, { a: new Binary(Buffer.from([0xfe])) }],
    [{ a: new Binary(Buffer.alloc(16), 4) }, { a: new Binary(Buffer.alloc(16), 3) }],
    [{ $expr: '$a' }, { a: dec('0') }],
    [{ $expr: { $eq: ['$a', null] } }, {}],
  ];
  test.each(no)('%j does not match %j', (filter, fields) => {
    expect(matches(filter, fields)).toBe(false);
  });

  const refused: [Fields, number][] = [
    [{ $foo: 1 }, 2],
    [{ a: { $foo: 1 } }, 2],
    [{ a: { $id: 1 } }, 2],
    [{ a: { $gt: 1, b: 1 } }, 2],
    [{ $where: 'true' }, 115],
    [{ $text: { $search: 'x' } }, 115],
    [{ $jsonSchema: {} }, 115],
    [{ a: { $near: [1, 1] } }, 115],
    [{ $or: [] }, 2],
    [{ $and: {} }, 2],
    [{ $or: [5] }, 2],
    [{ a: { $in: 5 } }, 2],
    [{ a: { $in: [{ $gt: 1 }] } }, 2],
    [{ a: { $not: 5 } }, 2],
    [{ a: { $not: {} } }, 2],
    [{ a: { $ne: regex('x') } }, 2],
    [{ a: { $gt: regex('x') } }, 2],
    [{ a: { $size: -1 } }, 2],
    [{ a: { $size: 'x' } }, 2],
    [{ a: { $size: 1.5 } }, 2],
    [{ a: { $type: 'foo' } }, 2],
    [{ a: { $type: [] } }, 9],
    [{ a: { $mod: [0, 1] } }, 2],
    [{ a: { $mod: [1] } }, 2],
    [{ a: { $all: 5 } }, 2],
    [{ a: { $all: [{ $elemMatch: { x: 1 } }, { x: 1 }] } }, 2],
    [{ a: { $all: [5, { $elemMatch: { x: 1 } }] } }, 2],
    [{ a: { $elemMatch: 5 } }, 2],
    [{ a: { $options: 'i' } }, 2],
    [{ a: { $regex: new BSONSymbol('x') } }, 2],
    [{ a: { $regex: '(?>x)' } }, 51091],
    [{ a: { $regex: 'x', $options: 'q' } }, 51108],
    [{ a: UNDEFINED }, 2],
    [{ a: { $bitsAllSet: [1] } }, 115],
    [{ a: { $bitsAnyClear: 3 } }, 115],
    [{ $sampleRate: 1 }, 115],
    [{ $alwaysTrue: 1 }, 115],
    [{ $alwaysFalse: 1 }, 115],
    [{ $expr: { $foo: 1 } }, 168],
    [{ a: { $elemMatch: { $expr: true } } }, 2],
    [{ $expr: '$$foo' }, 17276],
  ];
  test.each(refused)('%j is refused with code %d', (filter, code) => {
    expect(() => compileFilter(doc(filter), evalContext())).toThrow(
      expect.objectContaining({ name: 'CommandError', code }) as CommandError,
    );
  });

  test.each<[Fields, Fields, number | undefined]>([
    [{ a: 2 }, { a: [1, 2, 3] }, 1],
    [{ 'a.x': 2 }, { a: [{ x: 1 }, { x: [0, 2] }] }, 1],
    [{ a: { $elemMatch: { x: 2 } } }, { a: [{ x: 1 }, { x: 2 }] }, 1],
    [{ _id: 1, a: { $gt: 2 } }, { _id: 1, a: [1, 2, 3] }, 2],
    [{ $or: [{ a: 9 }, { a: 3 }] }, { a: [1, 2, 3] }, 2],
    [{ a: [1, 2] }, { a: [1, 2] }, undefined],
    [{ a: { $ne: 5 } }, { a: [1] }, undefined],
  ])('%j on %j gives the positional operator index %p', (filter, fields, index) => {
    expect(compileFilter(doc(filter), evalContext()).position(doc(fields))).toBe(index);
  });

  test('$expr reads the variables of let', () => {
    const ctx = { now: new Date(), vars: new Map([['limit', fromPlain(5)]]) };
    const { matches: test } = compileFilter(doc({ $expr: { $lt: ['$a', '$$limit'] } }), ctx);
    expect([test(doc({ a: 4 })), test(doc({ a: 5 }))]).toEqual([true, false]);
  });
});
