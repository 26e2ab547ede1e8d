import { Client, Connection } from '@temporalio/client';
import type { Config } from './config.js';

const CHECK_TIMEOUT_MS = 3_000;

/** The connection to Temporal. Lazy: a process starts and accepts work while Temporal is away. */
export class TemporalClient {
  readonly connection: Connection;
  readonly client: Client;

  constructor(config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>) {
    this.connection = Connection.lazy({ address: config.TEMPORAL_ADDRESS });
    this.client = new Client({ connection: this.connection, namespace: config.TEMPORAL_NAMESPACE });
  }

  /** Resolves when the frontend answers. @throws when it does not within three seconds */
  async check(): Promise<void> {
    await this.connection.withDeadline(Date.now() + CHECK_TIMEOUT_MS, () =>
      this.connection.workflowService.getSystemInfo({}),
    );
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
