import { MongoClient, MongoServerError } from 'mongodb';
import { CHECK_TIMEOUT_MS } from '../service/service.js';

const REPLICA_SET = 'rs0';

/** Passes if the server is a writable primary and confirms one majority write. */
export async function checkMongodb(url: string, database: string): Promise<void> {
  await withClient(url, async (client) => {
    const hello = await client.db('admin').command({ hello: 1 });
    if (hello['isWritablePrimary'] !== true) throw new Error('MongoDB is up but not a writable primary');
    await client
      .db(database)
      .collection<{ _id: string }>('supervisor_health')
      .updateOne(
        { _id: 'last_start' },
        { $set: { at: new Date() } },
        { upsert: true, writeConcern: { w: 'majority' } },
      );
  });
}

/** The same for a `mongod` of ours, which is made a replica set of one node first. */
export async function checkMongod(port: number, database: string): Promise<void> {
  const url = directUrl(port);
  await withClient(url, async (client) => {
    const hello = await client.db('admin').command({ hello: 1 });
    if (hello['isWritablePrimary'] === true) return;
    const member = { _id: 0, host: `127.0.0.1:${port}` };
    if (hello['isreplicaset'] === true)
      await client.db('admin').command({ replSetInitiate: { _id: REPLICA_SET, members: [member] } });
    else await moveToPort(client, member);
  });
  await checkMongodb(url, database);
}

export const directUrl = (port: number) => `mongodb://127.0.0.1:${port}/?directConnection=true`;

/** A replica set remembers its port; after a start on another one it has to be told. */
async function moveToPort(client: MongoClient, member: { _id: number; host: string }): Promise<void> {
  const config = await client.db('local').collection('system.replset').findOne();
  if (!config || config['members'][0].host === member.host) return;
  const moved = {
    ...config,
    version: config['version'] + 1,
    members: [{ ...config['members'][0], ...member }],
  };
  try {
    await client.db('admin').command({ replSetReconfig: moved, force: true });
  } catch (error) {
    if (!(error instanceof MongoServerError)) throw error;
    throw new Error(`mongod keeps its replica set on another port and refused to move: ${error.message}`);
  }
}

async function withClient(url: string, use: (client: MongoClient) => Promise<void>): Promise<void> {
  const client = new MongoClient(url, {
    serverSelectionTimeoutMS: CHECK_TIMEOUT_MS,
    connectTimeoutMS: CHECK_TIMEOUT_MS,
  });
  try {
    await use(client);
  } finally {
    await client.close();
  }
}
