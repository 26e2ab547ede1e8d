import { EmbeddedProcess } from '../../integration/embedded-mongodb/embedded-process.js';
import { ObservedClient } from './observed-client.js';
import type { Deployment } from './requirements.js';

const SYSTEM = new Set(['admin', 'config', 'local']);

/** An embedded server of its own, in an empty directory, and a client of it that no test observes. */
export class ServerUnderTest {
  private constructor(
    private readonly process: EmbeddedProcess,
    readonly uri: string,
    readonly admin: ObservedClient,
    readonly deployment: Deployment,
  ) {}

  static async start(): Promise<ServerUnderTest> {
    const process = await EmbeddedProcess.start('--test-commands');
    const uri = `mongodb://127.0.0.1:${process.port}/?replicaSet=rs0`;
    const admin = new ObservedClient(uri, {});
    return new ServerUnderTest(process, uri, admin, await deploymentOf(admin));
  }

  get port(): number {
    return this.process.port;
  }

  /** Some files rely on collections that are not there. */
  async clear(): Promise<void> {
    const { client } = this.admin;
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    for (const { name } of databases) if (!SYSTEM.has(name)) await client.db(name).dropDatabase();
  }

  async stop(): Promise<void> {
    await this.admin.client.close();
    await this.process.stop();
  }
}

async function deploymentOf({ client }: ObservedClient): Promise<Deployment> {
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  const { setName } = await client.db('admin').command({ hello: 1 });
  return { version, topology: setName ? 'replicaset' : 'single', auth: false };
}
