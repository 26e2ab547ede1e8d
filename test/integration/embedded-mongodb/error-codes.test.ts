import mongoose from 'mongoose';
import { CODES } from '../../../embedded/mongodb/src/errors.js';
import type { CodeName } from '../../../embedded/mongodb/src/errors.js';
import { EmbeddedProcess } from './embedded-process.js';
import { command } from './raw-connection.js';

const { Binary, Long } = mongoose.mongo.BSON;

/** Only a fault of the machine or of another member causes these; `failCommand` shows how they look. */
const INJECTED = 'injected';
/** Shown where the state that it takes is made: the spec or test that does. */
interface Elsewhere {
  shownBy: string;
}
type Row = object | typeof INJECTED | Elsewhere;

const session = (txnNumber: number): object => ({
  lsid: { id: new Binary(Buffer.alloc(16, 5), 4) },
  txnNumber: Long.fromNumber(txnNumber),
});
const update = (u: unknown, options: object = {}): object => ({
  update: 'c',
  updates: [{ q: { _id: 1 }, u, ...options }],
});
const insert = (...documents: object[]): object => ({ insert: 'c', documents });
const project = (x: unknown): object => ({ aggregate: 'c', pipeline: [{ $project: { x } }], cursor: {} });
const createIndex = (index: object): object => ({ createIndexes: 'c', indexes: [index] });

/** What provokes each code; the compiler asks for a row for each. */
const ROWS: Record<CodeName, Row> = {
  InternalError: INJECTED,
  BadValue: { find: 'c', filter: { $or: 1 } },
  HostUnreachable: INJECTED,
  FailedToParse: { delete: 'c', deletes: [{ q: {}, limit: 2 }] },
  Unauthorized: { getCmdLineOpts: 1 },
  TypeMismatch: { find: 'c', filter: 1 },
  Overflow: { shownBy: 'embedded/mongodb/src/bson/validate.spec.ts' },
  InvalidLength: insert(),
  IllegalOperation: { renameCollection: 'codes.c', to: 'codes.c', $db: 'admin' },
  InvalidBSON: { shownBy: 'test/integration/embedded-mongodb/wire.test.ts' },
  NamespaceNotFound: { listIndexes: 'nosuch' },
  IndexNotFound: { dropIndexes: 'c', index: 'nosuch' },
  PathNotViable: update({ $set: { 'text.below': 1 } }),
  CannotBackfillArray: update({ $set: { 'list.9000000': 1 } }),
  CannotCreateIndex: createIndex({ key: { a: 0 }, name: 'a' }),
  ConflictingUpdateOperators: update({ $set: { a: 1, 'a.b': 1 } }),
  CursorNotFound: { getMore: Long.fromNumber(77), collection: 'c' },
  NamespaceExists: { create: 'oplog.rs', $db: 'local' },
  MaxTimeMSExpired: { shownBy: 'test/integration/embedded-mongodb/errors.test.ts' },
  DollarPrefixedFieldName: update({ $set: { 'a.$b': 1 } }),
  InvalidIdField: insert({ _id: [1] }),
  NotSingleValueField: {
    update: 'c',
    updates: [{ q: { $and: [{ z: 1 }, { z: 2 }] }, u: { $set: { y: 1 } }, upsert: true }],
  },
  EmptyFieldName: update({ $set: { 'a.': 1 } }),
  CommandNotFound: { nosuch: 1 },
  ImmutableField: update({ $set: { _id: 2 } }),
  InvalidOptions: { ping: 1, txnNumber: Long.fromNumber(1) },
  InvalidNamespace: { insert: 'a$b', documents: [{}] },
  UnknownReplWriteConcern: { ...insert({}), writeConcern: { w: 'nosuch' } },
  IndexOptionsConflict: createIndex({ key: { text: 1 }, name: 'other' }),
  IndexKeySpecsConflict: createIndex({ key: { z: 1 }, name: 'text_1' }),
  ShutdownInProgress: INJECTED,
  OperationFailed: INJECTED,
  UnsatisfiableWriteConcern: { ...insert({}), writeConcern: { w: 3 } },
  NotExactValueField: { update: 'c', updates: [{ q: { '_id.x': 1 }, u: {}, upsert: true }] },
  WriteConflict: INJECTED,
  CommandNotSupported: { mapReduce: 'c' },
  CursorInUse: INJECTED,
  ExceededMemoryLimit: project({ $range: [0, 2_000_000_000] }),
  InvalidPipelineOperator: project({ $add: { $nosuch: 1 } }),
  CannotIndexParallelArrays: { ...insert({ one: [1, 2], two: [1, 2] }), insert: 'parallel' },
  QueryPlanKilled: { shownBy: 'test/integration/embedded-mongodb/resilience.test.ts' },
  AmbiguousIndexKeyPattern: { dropIndexes: 'c', index: { two: 1 } },
  QueryFeatureNotAllowed: { update: 'c', updates: [{ q: { $expr: true }, u: {}, upsert: true }] },
  TransactionTooOld: { ...insert({}), ...session(1) },
  ConversionFailure: project({ $toInt: 'text' }),
  QueryExceededMemoryLimitNoDiskUseAllowed: {
    shownBy: 'test/integration/embedded-mongodb/resilience.test.ts',
  },
  APIVersionError: { ping: 1, apiVersion: '2' },
  InvalidIndexSpecificationOption: createIndex({ key: { a: 1 }, name: 'a', nosuch: 1 }),
  DuplicateKey: insert({ _id: 1 }),
  BSONObjectTooLarge: { shownBy: 'test/integration/embedded-mongodb/resilience.test.ts' },
  Interrupted: INJECTED,
  InterruptedAtShutdown: INJECTED,
  InterruptedDueToReplStateChange: INJECTED,
  BackgroundOperationInProgressForNamespace: { shownBy: 'embedded/mongodb/src/commands/dispatch.spec.ts' },
  OutOfDiskSpace: { shownBy: 'embedded/mongodb/src/storage/write-queue.spec.ts' },
};

let server: EmbeddedProcess;
const send = (document: object): Promise<Record<string, unknown>> =>
  command(server.port, { ...document, $db: '$db' in document ? document.$db : 'codes' });

beforeAll(async () => {
  server = await EmbeddedProcess.start('--test-commands');
  await send({ insert: 'c', documents: [{ _id: 1, text: 'text', a: { b: 1 }, list: [] }] });
  await send(createIndex({ key: { text: 1 }, name: 'text_1' }));
  await send(createIndex({ key: { two: 1 }, name: 'plain' }));
  await send(createIndex({ key: { two: 1 }, name: 'sparse', sparse: true }));
  await send({ createIndexes: 'parallel', indexes: [{ key: { one: 1, two: 1 }, name: 'both' }] });
  await send({ ...insert({}), ...session(2) });
});

afterAll(() => server.stop());

const rows = (Object.entries(ROWS) as [CodeName, Row][]).filter(([, row]) => !isElsewhere(row));

function isElsewhere(row: Row): row is Elsewhere {
  return typeof row === 'object' && 'shownBy' in row;
}

test.each(rows)('%s comes with its code and name', async (name, row) => {
  const answer = row === INJECTED ? await injected(CODES[name]) : await send(row);
  const [writeError] = (answer['writeErrors'] ?? []) as Record<string, unknown>[];
  const error = (writeError ?? answer['writeConcernError'] ?? answer) as Record<string, unknown>;
  expect(error).toMatchObject({ code: CODES[name], errmsg: expect.stringMatching(/\w/) });
  // Entries of writeErrors carry the code alone, as in MongoDB.
  if (!writeError) expect(error['codeName']).toBe(name);
});

async function injected(errorCode: number): Promise<Record<string, unknown>> {
  const data = { failCommands: ['ping'], errorCode };
  await send({ configureFailPoint: 'failCommand', mode: { times: 1 }, data, $db: 'admin' });
  return send({ ping: 1 });
}
