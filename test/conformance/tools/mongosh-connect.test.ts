import mongoose from 'mongoose';
import { EmbeddedProcess, failure } from '../../integration/embedded-mongodb/embedded-process.js';

/**
 * What mongosh 2 sends while it connects and for its first commands, through the driver that it is built on. Its own
 * packages bring several clouds' SDKs along, so they are no development dependency.
 */
let server: EmbeddedProcess;
let client: mongoose.mongo.MongoClient;
let admin: mongoose.mongo.Admin;

beforeAll(async () => {
  server = await EmbeddedProcess.start();
  client = await server.connect({
    appName: 'mongosh 2.12.0',
    driverInfo: { name: 'mongosh', version: '2.12.0' },
    directConnection: true,
    serverApi: { version: '1', strict: false, deprecationErrors: false },
  });
  admin = client.db('test').admin();
  await client
    .db('shop')
    .collection('orders')
    .insertOne({ _id: 1 as never });
});

afterAll(() => server.stop());

test.each([
  [{ ping: 1 }, { ok: 1 }],
  [{ hello: 1 }, { isWritablePrimary: true, setName: 'rs0', maxWireVersion: 25 }],
  [{ buildInfo: 1 }, { version: expect.stringMatching(/^8\.0\.\d+$/), modules: [], ok: 1 }],
  [{ getParameter: 1, featureCompatibilityVersion: 1 }, { featureCompatibilityVersion: { version: '8.0' } }],
  [{ getCmdLineOpts: 1 }, { parsed: { net: { bindIp: '127.0.0.1' } }, argv: expect.any(Array) }],
  [{ connectionStatus: 1, showPrivileges: true }, { authInfo: { authenticatedUsers: [] } }],
  [{ getLog: 'startupWarnings' }, { totalLinesWritten: 0, log: [] }],
  [{ hostInfo: 1 }, { os: { name: expect.any(String) } }],
  [{ whatsmyuri: 1 }, { you: expect.stringMatching(/^127\.0\.0\.1:\d+$/) }],
  [{ replSetGetStatus: 1 }, { set: 'rs0', myState: 1 }],
  [{ serverStatus: 1 }, { process: expect.any(String), uptime: expect.any(Number) }],
])('mongosh connects: %j is answered', async (command, expected) => {
  expect(await admin.command(command)).toMatchObject(expected);
});

test('a shell learns that this is neither Atlas nor anything else that it knows', async () => {
  expect((await failure(admin.command({ atlasVersion: 1 }))).code).toBe(59);
});

test('show dbs and show collections list what is there', async () => {
  const { databases } = await admin.command({ listDatabases: 1, nameOnly: true });
  expect(databases).toContainEqual({ name: 'shop' });
  const sized = await admin.command({ listDatabases: 1, nameOnly: false });
  expect(sized).toMatchObject({ totalSize: expect.any(Number) });
  const listing = { listCollections: 1, filter: {}, cursor: {}, nameOnly: true, authorizedCollections: true };
  const { cursor } = await client.db('shop').command(listing);
  expect(cursor).toMatchObject({ id: 0, firstBatch: [{ name: 'orders', type: 'collection' }] });
});

test('operations of other clients are refused, not invented', async () => {
  const pipeline = [{ $currentOp: { allUsers: true, idleConnections: false } }];
  const running = client.db('admin').aggregate(pipeline).toArray();
  expect((await failure(running)).code).toBe(115);
});

test('the first find and count of a shell work', async () => {
  const orders = client.db('shop').collection('orders');
  expect(await orders.find({}).batchSize(20).toArray()).toEqual([{ _id: 1 }]);
  expect(await orders.countDocuments()).toBe(1);
  expect(await client.db('shop').command({ dbStats: 1, scale: 1 })).toMatchObject({
    collections: 1,
    objects: 1,
  });
});
