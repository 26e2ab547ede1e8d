import mongoose from 'mongoose';
import type { Connection } from 'mongoose';

/** What every write waits for: acknowledged by a majority and journaled, so an answer never precedes durability. */
export const DURABLE = { w: 'majority', j: true } as const;

/** Opens the connection pool. Throws when no primary answers within `timeoutMs`. */
export async function connectMongo(url: string, database: string, timeoutMs = 10_000): Promise<Connection> {
  const connection = mongoose.createConnection(url, {
    dbName: database,
    serverSelectionTimeoutMS: timeoutMs,
    maxPoolSize: 32,
    autoIndex: false,
    autoCreate: false,
    writeConcern: DURABLE,
    retryWrites: true,
  });
  return connection.asPromise();
}
