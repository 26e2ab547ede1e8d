import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** The built embedded server in a process and directory of its own. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    readonly uri: string,
    /** From spawn to the ready line. */
    readonly startMs: number,
  ) {}

  static async start(): Promise<ServerProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'embedded-bench-'));
    const started = performance.now();
    const args = [
      resolve('embedded/mongodb/dist/cli.js'),
      '--dir',
      directory,
      '--exit-with-parent',
      '--log-level',
      'warn',
    ];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolveLine, reject) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolveLine);
      child.once('exit', (code) => reject(new Error(`the embedded server ended with ${code}: is it built?`)));
    });
    const { uri } = JSON.parse(line) as { uri: string };
    return new ServerProcess(child, directory, uri, performance.now() - started);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Resident memory in MiB; NaN where /proc does not tell. */
  residentMiB(): number {
    try {
      return Math.round(
        Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]) / 1024,
      );
    } catch {
      return Number.NaN;
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolveEnd) => this.child.once('exit', resolveEnd));
    this.child.kill('SIGTERM');
    await ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}
