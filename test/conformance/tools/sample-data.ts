import mongoose from 'mongoose';
import { RawConnection, rawSequence } from '../mongodb/raw-connection.js';

const { BSON } = mongoose.mongo;

export const DATABASES = ['first', 'second'];

/** Two databases with documents of every BSON type and an index of every kind. */
export async function fillSampleData(client: mongoose.mongo.MongoClient, port: number): Promise<void> {
  const first = client.db('first');
  await first
    .collection('typed')
    .insertMany(everyType().map((v, n) => ({ _id: n as never, v, 9: 'b', 0: 'a' })));
  await insertRaw(port, Buffer.concat([INT_ID, UNDEFINED, DB_POINTER, SYMBOL]));
  await first.command({ insert: 'typed', documents: [EMPTY_TIMESTAMP], bypassEmptyTsReplacement: true });
  const many = Array.from({ length: 5_000 }, (_, n) => ({
    n,
    text: 'x'.repeat(n % 200),
    tags: [n % 7, `t${n % 5}`],
    at: new Date(4e12 + n),
    ...(n % 2 && { odd: n }),
  }));
  await first.collection('indexed').insertMany(many);
  await first
    .collection('indexed')
    .createIndexes([
      { key: { n: 1 }, unique: true },
      { key: { text: 1, n: -1 } },
      { key: { tags: 1 } },
      { key: { odd: 1 }, sparse: true },
      { key: { 'deep.path': -1 }, partialFilterExpression: { n: { $gt: 100 } }, name: 'partial' },
      { key: { at: 1 }, expireAfterSeconds: 3_600 },
      { key: { hidden: 1 }, hidden: true },
    ]);
  await first.createCollection('empty');
  await client
    .db('second')
    .collection('a.b-c')
    .insertMany([{ x: 1 }, { x: 2 }]);
}

function everyType(): unknown[] {
  const numbers = [
    1,
    -0,
    1.5,
    NaN,
    Infinity,
    new BSON.Double(5),
    BSON.Long.MAX_VALUE,
    BSON.Long.fromNumber(5),
  ];
  const decimals = ['5.00', 'NaN', 'Infinity', '-0', '1E-6176'].map((text) =>
    BSON.Decimal128.fromString(text),
  );
  const binaries = [0, 2, 4, 5, 128].map((subtype) => new BSON.Binary(Buffer.alloc(16, subtype), subtype));
  return [
    ...numbers,
    ...decimals,
    ...binaries,
    ...['', 'a\0b', 'ä', '\uffff', '\u{1f600}'],
    ...[{}, { b: 1, a: { 1: 2, 0: 3 } }, [], [1, [2, null], {}]],
    ...[new BSON.ObjectId(), true, false, null],
    ...[new Date(0), new Date(-1), new Date(-62_135_596_800_000)],
    ...[new BSON.BSONRegExp('a.b', 'im'), new BSON.Code('f()'), new BSON.Code('f()', { x: 1 })],
    ...[new BSON.Timestamp({ t: 1, i: 2 }), BSON.Timestamp.MAX_VALUE, new BSON.MinKey(), new BSON.MaxKey()],
  ];
}

/** Elements that drivers no longer write: type, name, value. */
const INT_ID = Buffer.from('\x10_id\0\xe8\x03\0\0', 'latin1');
const UNDEFINED = Buffer.from('\x06u\0', 'latin1');
const DB_POINTER = Buffer.from('\x0cp\0\x04\0\0\0a.b\0abcdefghijkl', 'latin1');
const SYMBOL = Buffer.from('\x0es\0\x02\0\0\0x\0', 'latin1');
/** A server replaces an empty timestamp by the time unless it is told not to. */
const EMPTY_TIMESTAMP = { _id: 1_001, v: new BSON.Timestamp({ t: 0, i: 0 }) };

async function insertRaw(port: number, elements: Buffer): Promise<void> {
  const document = Buffer.concat([Buffer.alloc(4), elements, Buffer.from([0])]);
  document.writeInt32LE(document.length);
  const connection = await RawConnection.open(port);
  try {
    await connection.command({ insert: 'typed', $db: 'first' }, rawSequence('documents', document));
  } finally {
    connection.close();
  }
}
