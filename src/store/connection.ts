import mongoose from 'mongoose';
import type { Connection, ConnectOptions } from 'mongoose';
import { isDatabaseAway } from '../platform/database-away.js';
import { GuardedConnection } from './guarded-connection.js';

/** What every write waits for: acknowledged by a majority and journaled, so an answer never precedes durability. */
export const DURABLE = { w: 'majority', j: true } as const;

export interface MongoWaits {
  /** How long a command waits for a primary before it fails, milliseconds. */
  primaryMs: number;
  /** How often the server is asked how it is, and how long its answer and a new connection may take, milliseconds. */
  heartbeatMs: number;
  answerMs: number;
}

/**
 * A request has a client behind it, who waits 5 to 10 s: it is told after two. That outlasts a restart of the embedded
 * server (0.4 to 1 s) and a planned change of the primary. A server that hangs is found out by the heartbeat, not by
 * a limit on commands, which would also end slow ones that succeed.
 */
export const REQUEST_WAITS: MongoWaits = { primaryMs: 2_000, heartbeatMs: 1_000, answerMs: 2_000 };
/** Work without a client behind it can wait; the heartbeat is the driver's own. */
export const WORK_WAITS: MongoWaits = { primaryMs: 10_000, heartbeatMs: 10_000, answerMs: 30_000 };

const START_MS = 10_000;

/** Opens the connection pool. Throws when no primary answers within ten seconds, whatever commands wait later. */
export async function connectMongo(url: string, database: string, waits = WORK_WAITS): Promise<Connection> {
  const options: ConnectOptions & { connectionType: unknown } = {
    dbName: database,
    serverSelectionTimeoutMS: waits.primaryMs,
    heartbeatFrequencyMS: waits.heartbeatMs,
    connectTimeoutMS: waits.answerMs,
    maxPoolSize: 32,
    autoIndex: false,
    autoCreate: false,
    writeConcern: DURABLE,
    retryWrites: true,
    connectionType: GuardedConnection,
  };
  const deadline = performance.now() + START_MS;
  for (;;) {
    const connection = mongoose.createConnection(url, options);
    try {
      return await connection.asPromise();
    } catch (error) {
      await connection.close();
      if (performance.now() >= deadline || !isDatabaseAway(error)) throw error;
    }
  }
}
