import mongoose from 'mongoose';
import type { Dice } from '../../support/seeded-random.js';

const { BSON } = mongoose.mongo;

type Node = Record<string, unknown> | unknown[];

const BODY_AT = 20;

/** A recorded command with one value, name or part exchanged; null if the message is not a lone body section. */
export function mutatedCommand(frame: Buffer, dice: Dice, corpus: readonly Buffer[]): Buffer | null {
  const command = commandOf(frame);
  if (!command) return null;
  const nodes: Node[] = [];
  collect(command, nodes);
  const node = dice.pick(nodes);
  const keys = Object.keys(node).filter((key) => key !== '$db');
  if (keys.length === 0) return null;
  change(node as Record<string, unknown>, dice.pick(keys), dice, corpus);
  return encoded(command);
}

function change(node: Record<string, unknown>, key: string, dice: Dice, corpus: readonly Buffer[]): void {
  switch (dice.below(6)) {
    case 0:
      delete node[key];
      return;
    case 1:
      node[dice.pick(NAMES)] = node[key];
      return;
    case 2:
      node[key] = borrowed(dice, corpus);
      return;
    case 3:
      node[key] = { [dice.pick(NAMES)]: node[key] };
      return;
    default:
      node[key] = dice.pick(VALUES);
  }
}

/** A part of another command. */
function borrowed(dice: Dice, corpus: readonly Buffer[]): unknown {
  const nodes: Node[] = [];
  const other = commandOf(dice.pick(corpus));
  if (other) collect(other, nodes);
  return nodes.length > 0 ? dice.pick(nodes) : null;
}

function commandOf(frame: Buffer): Record<string, unknown> | null {
  if (frame.readInt32LE(12) !== 2013 || frame[BODY_AT] !== 0) return null;
  const size = frame.readInt32LE(BODY_AT + 1);
  if (BODY_AT + 1 + size !== frame.length) return null;
  try {
    return BSON.deserialize(frame.subarray(BODY_AT + 1), { promoteValues: false, bsonRegExp: true });
  } catch {
    return null;
  }
}

function encoded(command: Record<string, unknown>): Buffer | null {
  try {
    const body = BSON.serialize(command, { ignoreUndefined: false });
    const frame = Buffer.alloc(BODY_AT + 1 + body.length);
    frame.writeInt32LE(frame.length, 0);
    frame.writeInt32LE(2013, 12);
    frame.set(body, BODY_AT + 1);
    return frame;
  } catch {
    return null;
  }
}

/** All documents and arrays in a command. */
function collect(value: unknown, into: Node[], depth = 0): void {
  if (typeof value !== 'object' || value === null || '_bsontype' in value || depth > 50) return;
  if (value instanceof Date || value instanceof RegExp || ArrayBuffer.isView(value)) return;
  into.push(value as Node);
  for (const child of Object.values(value)) collect(child, into, depth + 1);
}

const NAMES = [
  ...[
    '',
    'a',
    'n',
    '_id',
    '$',
    '$x',
    'a.b',
    '.a',
    'a.',
    'a..b',
    '0',
    '-1',
    '__proto__',
    'constructor',
    'toString',
  ],
  ...['$gt', '$in', '$not', '$and', '$or', '$expr', '$elemMatch', '$regex', '$size', '$mod', '$type', '$all'],
  ...[
    '$set',
    '$inc',
    '$push',
    '$each',
    '$slice',
    '$sort',
    '$rename',
    '$pull',
    '$addToSet',
    'tags.$',
    'tags.$[]',
  ],
  ...[
    '$match',
    '$group',
    '$project',
    '$lookup',
    '$unwind',
    '$sum',
    '$avg',
    '$cond',
    '$map',
    '$literal',
    '$let',
  ],
  ...[
    '$substrCP',
    '$dateAdd',
    '$dateToString',
    '$convert',
    '$arrayElemAt',
    '$switch',
    '$range',
    '$zip',
    '$filter',
  ],
  ...[
    'limit',
    'skip',
    'hint',
    'sort',
    'batchSize',
    'collation',
    'let',
    'upsert',
    'arrayFilters',
    'txnNumber',
  ],
];

const VALUES: unknown[] = [
  ...[
    null,
    true,
    false,
    '',
    'c',
    '$',
    '$n',
    '$$ROOT',
    '$$NOW',
    '$$x',
    '$a.b',
    'x'.repeat(3_000),
    '\u{1F600}',
    '^(',
    '%q',
  ],
  ...[0, 1, -1, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 53, 1e300, -0],
  ...[BSON.Long.MAX_VALUE, BSON.Long.MIN_VALUE, new BSON.Double(5), new BSON.Int32(7)],
  ...['1E+6000', '-0', 'NaN', 'Infinity', '0.1', '9'.repeat(34)].map((text) =>
    BSON.Decimal128.fromString(text),
  ),
  ...[
    new BSON.MinKey(),
    new BSON.MaxKey(),
    new BSON.Timestamp(0n),
    new BSON.Timestamp({ t: 2 ** 32 - 1, i: 1 }),
  ],
  ...[
    new BSON.ObjectId(),
    new BSON.Binary(Buffer.alloc(16), 4),
    new BSON.Binary(Buffer.alloc(3), 0),
    undefined,
  ],
  ...[
    new Date(0),
    new Date(8.64e15),
    new Date(-8.64e15),
    new BSON.BSONRegExp('a(b', 'ix'),
    new BSON.BSONRegExp('^x'),
  ],
  ...[
    new BSON.Code('f()'),
    new BSON.Code('f()', { a: 1 }),
    new BSON.BSONSymbol('s'),
    new BSON.DBRef('c', new BSON.ObjectId()),
  ],
  ...[
    {},
    [],
    [[]],
    [null],
    [{}],
    { a: 1 },
    { $gt: 1 },
    { a: { $gt: [1, { b: null }] } },
    { $x: 1 },
    { '': 1 },
  ],
  ...[
    [1, 2, 3],
    ['$n', '$s'],
    Array.from({ length: 300 }, (_, n) => n),
    { 'a.b': 1 },
    { $literal: 1 },
    { n: -1 },
  ],
  ...[
    { $add: ['$n', '$s'] },
    { $divide: [1, 0] },
    { $toInt: 'x' },
    { $arrayElemAt: ['$tags', 1e10] },
    { $ifNull: [] },
  ],
];
