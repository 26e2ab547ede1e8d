import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ObservedClient } from './observed-client.js';
import type { Deployment } from './requirements.js';

const CLI = 'embedded/mongodb/dist/cli.js';
const FLAGS = ['--port', '0', '--test-commands', '--exit-with-parent', '--log-level', 'warn'];

const SYSTEM = new Set(['admin', 'config', 'local']);

/** An embedded server of its own, in an empty directory, and a client of it that no test observes. */
export class ServerUnderTest {
  private constructor(
    private readonly process: ChildProcess,
    private readonly directory: string,
    readonly uri: string,
    readonly admin: ObservedClient,
    readonly deployment: Deployment,
  ) {}

  static async start(): Promise<ServerUnderTest> {
    const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-conformance-'));
    const child = spawn(process.execPath, [CLI, '--dir', path.join(directory, 'data'), ...FLAGS], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`expected ${CLI} to start, it ended with ${child.exitCode}: run npm run build first`);
    });
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
    ended.catch(() => undefined);
    const { port } = JSON.parse(String(line)) as { port: number };
    const uri = `mongodb://127.0.0.1:${port}/?replicaSet=rs0`;
    const admin = new ObservedClient(uri, {});
    return new ServerUnderTest(child, directory, uri, admin, await deploymentOf(admin));
  }

  /** Some files rely on collections that are not there. */
  async clear(): Promise<void> {
    const { client } = this.admin;
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    for (const { name } of databases) if (!SYSTEM.has(name)) await client.db(name).dropDatabase();
  }

  async stop(): Promise<void> {
    await this.admin.client.close();
    this.process.kill('SIGTERM');
    if (this.process.exitCode === null) await once(this.process, 'exit');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function deploymentOf({ client }: ObservedClient): Promise<Deployment> {
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  const { setName } = await client.db('admin').command({ hello: 1 });
  return { version, topology: setName ? 'replicaset' : 'single', auth: false };
}
