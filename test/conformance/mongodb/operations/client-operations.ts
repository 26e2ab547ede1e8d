import type { Document, MongoClient } from 'mongodb';
import type { Arguments } from './arguments.js';
import { clientBulkResult, clientModels } from './bulk-write.js';
import { openChangeStream } from './cursor-operations.js';

type ClientOperation = (client: MongoClient, args: Arguments) => Promise<unknown>;

export const clientOperations: Record<string, ClientOperation> = {
  clientBulkWrite: async (client, args) =>
    clientBulkResult(
      await client.bulkWrite(clientModels(args.required<Document[]>('models')), args.options()),
    ),
  listDatabases: async (client, args) => (await client.db().admin().listDatabases(args.options())).databases,
  listDatabaseNames: async (client, args) => {
    const { databases } = await client
      .db()
      .admin()
      .listDatabases({ ...args.options(), nameOnly: true });
    return databases.map(({ name }) => name);
  },
  createChangeStream: (client, args) => openChangeStream(client, args),
};
