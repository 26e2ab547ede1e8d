import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExpressionAnswer, ExpressionJob } from './expression-job.js';

const PROCESSOR_MS = 100;
/** However little of the processor it got. */
const WALL_MS = 1000;
const LOOK_MS = 25;
const HEAP_MIB = 64;
/** Of /proc/<pid>/stat: 100 a second on every Linux. */
const TICK_MS = 10;

const OUT_OF_TIME = `the expression took more than ${PROCESSOR_MS} ms`;
const OUT_OF_MEMORY = `the expression took more than ${HEAP_MIB} MiB`;

// Compiled beside this file; as source when this is source.
const SCRIPT = fileURLToPath(new URL(`./expression-process${extname(import.meta.url)}`, import.meta.url));

/** One process that evaluates one expression at a time. It starts at the first one and again after each end. */
export class ExpressionRunner {
  #child: Promise<ChildProcess> | null = null;
  #busy = false;
  #lastId = 0;

  get isBusy(): boolean {
    return this.#busy;
  }

  async run(job: Omit<ExpressionJob, 'id'>): Promise<ExpressionAnswer> {
    this.#busy = true;
    try {
      const child = await (this.#child ??= this.#start());
      return await this.#ask(child, { ...job, id: ++this.#lastId });
    } finally {
      this.#busy = false;
    }
  }

  async close(): Promise<void> {
    const child = await this.#child?.catch(() => null);
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  #start(): Promise<ChildProcess> {
    const child = fork(SCRIPT, {
      env: {},
      execArgv: [`--max-old-space-size=${HEAP_MIB}`, '--permission', '--allow-fs-read=*', '--no-warnings'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // It must not keep its parent alive, and it ends with it.
    child.unref();
    child.channel?.unref();
    const started = new Promise<ChildProcess>((resolve, reject) => {
      const forget = () => {
        if (this.#child === started) this.#child = null;
      };
      child.once('exit', (code) => {
        forget();
        reject(new Error(`the process for expressions did not start (${code})`));
      });
      child.once('error', (error) => {
        forget();
        reject(error);
      });
      child.once('message', () => resolve(child));
    });
    return started;
  }

  #ask(child: ChildProcess, job: ExpressionJob): Promise<ExpressionAnswer> {
    const started = performance.now();
    const processorBefore = processorMs(child.pid!) ?? 0;
    return new Promise((resolve) => {
      const settle = (answer: ExpressionAnswer) => {
        clearInterval(looks);
        child.off('message', onMessage);
        child.off('exit', onExit);
        resolve(answer);
      };
      const onExit = () => settle(faulty(OUT_OF_MEMORY));
      const onMessage = ({ id, ...answer }: ExpressionAnswer & { id: number }) => {
        if (id === job.id) settle(answer);
      };
      const looks = setInterval(() => {
        const wallMs = performance.now() - started;
        if (wallMs < PROCESSOR_MS) return;
        const spentMs = (processorMs(child.pid!) ?? Number.POSITIVE_INFINITY) - processorBefore;
        if (spentMs < PROCESSOR_MS && wallMs < WALL_MS) return;
        this.#child = null;
        child.kill('SIGKILL');
        settle(faulty(OUT_OF_TIME));
      }, LOOK_MS);
      child.on('message', onMessage);
      child.once('exit', onExit);
      child.send(job);
    });
  }
}

const faulty = (message: string): ExpressionAnswer => ({ fault: { message, position: null } });

/** What a process had of the processor so far; null where the system does not say. */
function processorMs(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return null;
  }
}
