import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import mongoose from 'mongoose';

const { BSON, MongoClient } = mongoose.mongo;
type Db = mongoose.mongo.Db;
type Collection = mongoose.mongo.Collection<{ _id: unknown }>;

/** Requests as the official driver sends them, recorded by a proxy between it and the server. */
export async function recordFrames(serverPort: number): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  const proxy = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    let rest = Buffer.alloc(0);
    client.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
        frames.push(Buffer.from(rest.subarray(0, rest.readInt32LE(0))));
        rest = rest.subarray(rest.readInt32LE(0));
      }
    });
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const uri = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  // Repeated under one transaction number, most writes would only be answered from the record of the first.
  const client = new MongoClient(uri, { retryWrites: false });
  const retrying = new MongoClient(uri, { retryWrites: true });
  try {
    await fill(client.db('fuzz'));
    for (const request of requests(client.db('fuzz'))) await request().catch(() => undefined);
    await client.bulkWrite([
      { namespace: 'fuzz.c', name: 'insertOne', document: { s: 'bulk' } },
      { namespace: 'fuzz.c', name: 'updateMany', filter: { n: 1 }, update: { $inc: { n: 1 } } },
      { namespace: 'fuzz.c', name: 'deleteOne', filter: { s: 'bulk' } },
    ]);
    const again = retrying.db('fuzz').collection('c');
    await again.insertMany([{ s: 'first' }, { s: 'second' }]);
    await again.findOneAndUpdate({ n: 8 }, { $inc: { x: 1 } });
  } finally {
    await Promise.all([client.close(), retrying.close()]);
    proxy.close();
  }
  return frames.map(impatient);
}

/** The driver lets the server wait 10 s with some answers. */
function impatient(frame: Buffer): Buffer {
  const at = frame.indexOf('maxAwaitTimeMS\0');
  if (at >= 0) frame.writeInt32LE(20, at + 'maxAwaitTimeMS\0'.length);
  return frame;
}

/** The documents that most of the requests are about; every BSON type is among them. */
export async function fill(db: Db): Promise<void> {
  await db.dropDatabase();
  await (db.collection('c') as unknown as Collection).insertMany(
    Array.from({ length: 40 }, (_, n) => ({
      ...{ _id: n, n, s: `text ${n}`, tags: [n % 3, n % 5], sub: { a: n, b: [{ c: n }] } },
      ...{ at: new Date(1e12 + n), id: new BSON.ObjectId(), l: BSON.Long.fromNumber(n), nul: null },
      ...{ dec: BSON.Decimal128.fromString(`${n}.5`), bin: new BSON.Binary(Buffer.from([n])), re: /^a/i },
      ...{ ts: new BSON.Timestamp({ t: n, i: 1 }), min: new BSON.MinKey(), max: new BSON.MaxKey(), b: true },
      ...{ code: new BSON.Code('x', { y: 1 }), dbl: n + 0.25 },
    })),
  );
  await db.collection('c').createIndex({ n: 1 });
  await db.collection('c').createIndex({ tags: 1, s: -1 });
  await db.collection('c').createIndex({ 'sub.a': 1 }, { unique: true, sparse: true });
}

function requests(db: Db): (() => Promise<unknown>)[] {
  const c = db.collection('c');
  const admin = db.admin();
  return [
    ...FILTERS.map((filter) => () => c.find(filter).toArray()),
    ...UPDATES.map(
      ([filter, update, options]) =>
        () =>
          c.updateMany(filter, update, options),
    ),
    ...PIPELINES.map((pipeline) => () => c.aggregate(pipeline).toArray()),
    ...COMMANDS.map((command) => () => db.command(command)),
    ...ADMIN_COMMANDS.map((command) => () => admin.command(command)),
    () => c.find({}, { batchSize: 2, sort: { n: -1 }, projection: { tags: { $slice: 1 }, s: 1 } }).toArray(),
    () =>
      c
        .find({ n: { $gte: 3 } }, { hint: 'n_1', limit: 5, skip: 1, collation: { locale: 'simple' } })
        .toArray(),
    () => c.findOneAndUpdate({ n: 3 }, { $inc: { x: 1 } }, { sort: { n: 1 }, upsert: true }),
    () => c.findOneAndDelete({ n: 99 }),
    () => c.replaceOne({ n: 4 }, { n: 4, s: 'new' }, { upsert: true }),
    () => c.deleteMany({ n: { $gt: 1_000 } }),
    () => c.insertOne({ s: 'one more' }),
    () => c.bulkWrite([{ insertOne: { document: { s: 'b' } } }, { deleteOne: { filter: { s: 'b' } } }]),
    () => c.distinct('tags', { n: { $lt: 9 } }),
    () => c.countDocuments({ s: /^text 1/ }),
    () => c.find({ n: 1 }).explain(),
    () => c.createIndex({ x: 1, y: -1 }, { partialFilterExpression: { x: { $gt: 1 } }, name: 'partial' }),
    () => c.createIndex({ at: 1 }, { expireAfterSeconds: 1e9 }),
    () => c.dropIndex('partial'),
    () => db.createCollection('made'),
    () => db.collection('made').rename('renamed', { dropTarget: true }),
    () => db.dropCollection('renamed'),
    () => db.listCollections({ name: 'c' }, { nameOnly: true }).toArray(),
    () => admin.listDatabases(),
    () => db.collection('c').find().batchSize(2).next(),
  ];
}

const FILTERS: object[] = [
  {},
  { _id: 3 },
  { _id: { $in: [1, 2, 'x'] } },
  { n: { $gt: 1, $lte: 9, $ne: 4 } },
  { tags: { $all: [1, 2] } },
  { tags: { $size: 2 }, s: { $regex: '^t', $options: 'i' } },
  { $or: [{ n: 1 }, { $and: [{ n: 2 }, { s: { $exists: true } }] }, { $nor: [{ n: 5 }] }] },
  { 'sub.b': { $elemMatch: { c: { $gt: 3 } } } },
  { n: { $mod: [4, 1] }, dec: { $type: 'decimal' } },
  { n: { $not: { $in: [1, 2] } } },
  { $expr: { $gt: ['$n', { $add: [1, '$dbl'] }] } },
];

const UPDATES: [object, object, object?][] = [
  [{ n: 1 }, { $set: { 'sub.x.y': 1 }, $unset: { nul: 1 }, $inc: { dbl: 1 }, $mul: { l: 2 } }],
  [{ n: 2 }, { $push: { tags: { $each: [7, 8], $slice: -3, $sort: 1, $position: 0 } } }],
  [{ n: 3 }, { $addToSet: { tags: { $each: [1, 2] } }, $min: { n: 3 }, $max: { dec: 5 } }],
  [{ n: 4 }, { $pull: { tags: { $gt: 3 } }, $rename: { s: 't' }, $currentDate: { at: true } }],
  [{ n: 5 }, { $pop: { tags: 1 }, $bit: { l: { or: 1 } }, $setOnInsert: { z: 1 } }, { upsert: true }],
  [{ n: 6 }, { $set: { 'sub.b.$[e].c': 9 } }, { arrayFilters: [{ 'e.c': { $gt: 1 } }] }],
  [{ tags: 1 }, { $set: { 'tags.$': 1 }, $pullAll: { tags: [4] } }],
  [{ n: 7 }, [{ $set: { sum: { $add: ['$n', 1] } } }, { $unset: 'sum' }]],
];

const PIPELINES: object[][] = [
  [{ $match: { n: { $gt: 3 } } }, { $sort: { n: -1 } }, { $skip: 1 }, { $limit: 5 }],
  [
    {
      $group: {
        _id: '$tags',
        n: { $sum: '$n' },
        a: { $avg: '$dbl' },
        f: { $first: '$s' },
        p: { $push: '$n' },
      },
    },
  ],
  [{ $unwind: { path: '$tags', includeArrayIndex: 'i', preserveNullAndEmptyArrays: true } }, { $count: 'n' }],
  [{ $lookup: { from: 'c', localField: 'n', foreignField: 'sub.a', as: 'o' } }, { $limit: 2 }],
  [{ $lookup: { from: 'c', let: { x: '$n' }, pipeline: [{ $match: { n: 1 } }], as: 'o' } }, { $limit: 1 }],
  [{ $facet: { a: [{ $count: 'n' }], b: [{ $sortByCount: '$n' }] } }],
  [{ $bucket: { groupBy: '$n', boundaries: [0, 10, 20], default: 'x', output: { n: { $sum: 1 } } } }],
  [{ $addFields: { d: { $dateToString: { date: '$at', format: '%Y-%m' } }, c: { $concat: ['$s', 'x'] } } }],
  [
    {
      $project: {
        s: { $substrCP: ['$s', 0, 3] },
        m: { $map: { input: '$tags', in: { $add: ['$$this', 1] } } },
      },
    },
  ],
  [
    {
      $project: { x: { $cond: [{ $eq: ['$n', 1] }, 'a', { $toString: '$n' }] }, f: { $split: ['$s', ' '] } },
    },
  ],
  [
    { $replaceRoot: { newRoot: { $mergeObjects: ['$sub', { k: { $size: '$tags' } }] } } },
    { $sample: { size: 3 } },
  ],
  [{ $unionWith: { coll: 'c', pipeline: [{ $match: { n: 2 } }] } }, { $unset: 'sub' }],
  [
    {
      $project: { r: { $reduce: { input: '$tags', initialValue: 0, in: { $sum: ['$$value', '$$this'] } } } },
    },
  ],
  [
    {
      $project: {
        r: { $range: [0, '$n', 2] },
        z: { $regexMatch: { input: '$s', regex: 't' } },
        l: { $log10: 5 },
      },
    },
  ],
  [{ $match: { n: 1 } }, { $merge: { into: 'merged', whenMatched: 'replace' } }],
  [{ $match: { n: 1 } }, { $out: 'written' }],
];

const COMMANDS: object[] = [
  { collStats: 'c' },
  { dbStats: 1 },
  { validate: 'c' },
  { listIndexes: 'c' },
  { collMod: 'c', index: { name: 'at_1', expireAfterSeconds: 2e9 } },
  { explain: { find: 'c', filter: { n: 1 } }, verbosity: 'executionStats' },
  { count: 'c', query: { n: { $gt: 3 } }, limit: 5 },
  { killCursors: 'c', cursors: [BSON.Long.fromNumber(7)] },
];

const ADMIN_COMMANDS: object[] = [
  { applyOps: [{ op: 'i', ns: 'fuzz.c', o: { _id: 900, n: 900 } }] },
  { applyOps: [{ op: 'u', ns: 'fuzz.c', o2: { _id: 3 }, o: { _id: 3, n: 3 } }] },
  {
    applyOps: [
      { op: 'd', ns: 'fuzz.c', o: { _id: 4 } },
      { op: 'c', ns: 'fuzz.$cmd', o: { create: 'x' } },
    ],
  },
  ...[{ hello: 1 }, { isMaster: 1 }, { ping: 1 }, { buildInfo: 1 }, { hostInfo: 1 }, { serverStatus: 1 }],
  ...[{ getParameter: '*' }, { getLog: 'global' }, { replSetGetStatus: 1 }, { connectionStatus: 1 }],
  ...[{ listCommands: 1 }, { whatsmyuri: 1 }, { getCmdLineOpts: 1 }, { startSession: 1 }],
];
