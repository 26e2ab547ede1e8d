import type { Connection } from 'mongoose';

/** Whether MongoDB answers. */
export class DatabaseProbe {
  #primary = true;

  constructor(private readonly connection: Connection) {
    connection.getClient().on('topologyDescriptionChanged', ({ newDescription: { servers } }) => {
      this.#primary = [...servers.values()].some((server) => server.isWritable);
    });
  }

  async ping(): Promise<void> {
    if (this.connection.db === undefined) throw new Error('MongoDB was never connected');
    await this.connection.db.admin().ping();
  }

  /** Resolves at once while the driver knows a primary, else when it has found one. @throws as a command that finds none */
  async untilPrimary(): Promise<void> {
    if (!this.#primary) await this.ping();
  }
}
