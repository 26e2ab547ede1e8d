import mongoose from 'mongoose';
import type { Connection, ConnectOptions } from 'mongoose';
import { GuardedConnection } from './guarded-connection.js';

/** What every write waits for: acknowledged by a majority and journaled, so an answer never precedes durability. */
export const DURABLE = { w: 'majority', j: true } as const;

/** Opens the connection pool. Throws when no primary answers within `timeoutMs`. */
export async function connectMongo(url: string, database: string, timeoutMs = 10_000): Promise<Connection> {
  const options: ConnectOptions & { connectionType: unknown } = {
    dbName: database,
    serverSelectionTimeoutMS: timeoutMs,
    maxPoolSize: 32,
    autoIndex: false,
    autoCreate: false,
    writeConcern: DURABLE,
    retryWrites: true,
    connectionType: GuardedConnection,
  };
  const connection = mongoose.createConnection(url, options);
  return connection.asPromise();
}
