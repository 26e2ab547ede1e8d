import type { Connection } from 'mongoose';

/** Whether MongoDB answers, for health checks. */
export class DatabaseProbe {
  constructor(private readonly connection: Connection) {}

  async ping(): Promise<void> {
    if (this.connection.db === undefined) throw new Error('MongoDB was never connected');
    await this.connection.db.admin().ping();
  }
}
