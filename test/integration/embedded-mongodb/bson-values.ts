import mongoose from 'mongoose';

const { BSON } = mongoose.mongo;
const { Binary, BSONRegExp, BSONSymbol, Code, Decimal128, Double, Int32, Long } = BSON;
const { MaxKey, MinKey, ObjectId, Timestamp } = BSON;

/** A value that the driver cannot write: its type byte and bytes. */
export class RawValue {
  constructor(
    readonly type: number,
    readonly bytes: Buffer,
  ) {}
}

const decimal = (text: string): unknown => Decimal128.fromString(text);
const long = (text: string): unknown => Long.fromString(text);
const binary = (hex: string, subtype: number): unknown => new Binary(Buffer.from(hex, 'hex'), subtype);
const oid = (end: string): mongoose.mongo.ObjectId => new ObjectId(end.padStart(24, '0'));
const dbPointer = (ns: string): RawValue => {
  const text = Buffer.from(`${ns}\0`);
  const length = Buffer.alloc(4);
  length.writeInt32LE(text.length);
  return new RawValue(0x0c, Buffer.concat([length, text, oid('1').id]));
};

/** Values that are equal to MongoDB, and what a range query compares them with: values of the same kind. */
export interface EqualValues {
  kind: string;
  values: readonly unknown[];
}

const kinds = (kind: string, ...classes: unknown[][]): EqualValues[] =>
  classes.map((values) => ({ kind, values }));

/**
 * Values of every BSON type in MongoDB's ascending order, equal ones together.
 * Source: "Comparison/Sort Order" of the MongoDB manual; bsonspec.org for the types.
 */
export const RISING: readonly EqualValues[] = [
  ...kinds('minKey', [new MinKey()]),
  ...kinds('undefined', [new RawValue(0x06, Buffer.alloc(0))]),
  ...kinds('null', [null]),
  ...kinds('NaN', [new Double(Number.NaN), decimal('NaN')]),
  ...kinds(
    'number',
    [new Double(-Infinity), decimal('-Infinity')],
    [decimal('-1E400')],
    [long('-9223372036854775808')],
    [new Int32(-1), new Double(-1), long('-1'), decimal('-1.0')],
    [new Int32(0), new Double(0), new Double(-0), long('0'), decimal('0E+3')],
    [new Double(0.1)],
    [decimal('0.5'), new Double(0.5)],
    [new Int32(5), new Double(5), long('5'), decimal('5.00')],
    [long('9007199254740992'), new Double(2 ** 53)],
    [long('9007199254740993'), decimal('9007199254740993')],
    [new Double(Infinity), decimal('Infinity')],
  ),
  ...kinds('string', [''], ['a', new BSONSymbol('a')], ['ab'], ['\ufffd'], ['\u{1f600}']),
  ...kinds('object', [{}], [{ a: new Int32(1) }], [{ a: new Int32(1), b: new Int32(0) }], [{ a: 'x' }]),
  // An array within an array, because a sort by an array looks at its elements.
  ...kinds('array', [[[]]], [[[new Int32(1)]]], [[[new Int32(1), new Int32(1)]]], [[[new Int32(2)]]]),
  ...kinds('binData', [binary('ff', 0)], [binary('00', 5)], [binary('fe', 5)], [binary('0000', 0)]),
  ...kinds('binData', [binary('00'.repeat(16), 4)]),
  ...kinds('objectId', [oid('1')], [oid('2')]),
  ...kinds('bool', [false], [true]),
  ...kinds('date', [new Date(-1)], [new Date(0)], [new Date(1)]),
  ...kinds('timestamp', [new Timestamp({ t: 1, i: 2 })], [new Timestamp({ t: 4_294_967_295, i: 0 })]),
  ...kinds('regex', [new BSONRegExp('a', 'i')], [new BSONRegExp('b', '')]),
  ...kinds('dbPointer', [dbPointer('a')], [dbPointer('b')]),
  ...kinds('javascript', [new Code('a')], [new Code('b')]),
  ...kinds('javascriptWithScope', [new Code('a', { x: new Int32(1) })], [new Code('b', {})]),
  ...kinds('maxKey', [new MaxKey()]),
];

/** `{_id, v}` as bytes that hold the value as it is. */
export function documentBytes(_id: number, v: unknown): Buffer {
  if (!(v instanceof RawValue)) return Buffer.from(BSON.serialize({ _id, v }));
  const start = Buffer.from(BSON.serialize({ _id }));
  const field = Buffer.concat([Buffer.from([v.type]), Buffer.from('v\0'), v.bytes]);
  const bytes = Buffer.concat([start.subarray(0, -1), field, Buffer.alloc(1)]);
  bytes.writeInt32LE(bytes.length);
  return bytes;
}
