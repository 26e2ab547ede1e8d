import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import mongoose from 'mongoose';

const CLI = resolve('embedded/mongodb/dist/cli.js');
const MEMORY_PROBE = ['--expose-gc', '--import', resolve('test/support/memory-probe.mjs')];

/** The built server as a process of its own, on a free port and a temporary directory, with the official driver. */
export class EmbeddedProcess {
  private child!: ChildProcess;
  private readonly clients: mongoose.mongo.MongoClient[] = [];
  uri = '';
  port = 0;

  private constructor(
    readonly directory: string,
    private readonly extra: string[],
  ) {}

  static async start(...extra: string[]): Promise<EmbeddedProcess> {
    const server = new EmbeddedProcess(await mkdtemp(join(tmpdir(), 'embedded-mongodb-')), extra);
    await server.spawn();
    return server;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** MiB that the server holds after a collection of garbage: its heap and the buffers outside it. */
  async liveMiB(): Promise<number> {
    const answered = once(this.child, 'message') as Promise<[{ liveMiB: number }]>;
    this.child.send('memory');
    return (await answered)[0].liveMiB;
  }

  /** A client that this object closes. */
  async connect(options: mongoose.mongo.MongoClientOptions = {}): Promise<mongoose.mongo.MongoClient> {
    const client = new mongoose.mongo.MongoClient(this.uri, { serverSelectionTimeoutMS: 2_000, ...options });
    this.clients.push(client);
    return client.connect();
  }

  /** Ends the process without any warning, as a crash does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Starts, and is killed again before it can be ready or soon after. */
  async killWhileStarting(afterMs: number): Promise<void> {
    this.launch();
    await delay(afterMs);
    await this.kill();
  }

  /** Starts again on the same directory, on another port unless `--port` names one. */
  async restart(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.close().catch(() => undefined)));
    await this.spawn();
  }

  /** Ends the process properly and returns its exit code. */
  async terminate(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.close().catch(() => undefined)));
    await this.end('SIGTERM');
    await rm(this.directory, { recursive: true, force: true });
  }

  private launch(): void {
    const args = [CLI, '--dir', this.directory, '--log-level', 'error', '--exit-with-parent', ...this.extra];
    const stdio: StdioOptions = ['pipe', 'pipe', 'inherit', 'ipc'];
    this.child = spawn(process.execPath, [...MEMORY_PROBE, ...args], { stdio });
  }

  private async spawn(): Promise<void> {
    this.launch();
    const ready = JSON.parse(await firstLine(this.child)) as { uri: string; port: number };
    this.uri = ready.uri;
    this.port = ready.port;
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = new Promise<number | null>((resolveCode) => child.once('exit', resolveCode));
    child.kill(signal);
    return ended;
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolveLine, reject) => {
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    lines.once('line', resolveLine);
    child.once('exit', (code) => reject(new Error(`${CLI} ended with ${code} before it was ready`)));
  });
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<mongoose.mongo.MongoServerError> {
  try {
    await promise;
  } catch (error) {
    return error as mongoose.mongo.MongoServerError;
  }
  throw new Error('expected a failure, but the operation succeeded');
}
