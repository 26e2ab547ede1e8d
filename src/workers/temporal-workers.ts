import { NativeConnection, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from '../platform/config.js';
import { workflowCode } from './workflow-code.js';

export interface TemporalWorkersOptions {
  config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>;
  log: Logger;
  /** Activities by task queue: each queue gets its own Worker, so that no queue takes another's slots. */
  queues: Record<string, object>;
  /** Called once when all Workers poll. */
  onConnected: () => Promise<void>;
  /** Called when a Worker ended although nobody stopped it. */
  onFailed: (error: unknown) => void;
}

const CONNECT_AGAIN_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;
/** Activities that do not end by themselves after this are given up at a shutdown. */
const SHUTDOWN_MS = 25_000;
const CACHED_WORKFLOWS = 200;

/** The Temporal Workers of this process. They are there as soon as Temporal is; the process does not wait for it. */
export class TemporalWorkers {
  readonly #workers: Worker[] = [];
  readonly #stopping = new AbortController();
  #connection: NativeConnection | null = null;
  #runs: Promise<unknown> = Promise.resolve();
  #starting: Promise<void> = Promise.resolve();

  constructor(private readonly options: TemporalWorkersOptions) {}

  start(): void {
    this.#starting = this.#start().catch(this.options.onFailed);
  }

  /** Takes no more tasks, has activities leave in order, and resolves when they have. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#starting;
    for (const worker of this.#workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await this.#runs;
    await this.#connection?.close();
  }

  async #start(): Promise<void> {
    const { config, log, queues, onConnected, onFailed } = this.options;
    this.#connection = await this.#connect();
    if (this.#connection === null) return;
    for (const [taskQueue, activities] of Object.entries(queues)) {
      this.#workers.push(
        await this.#create(this.#connection, config.TEMPORAL_NAMESPACE, taskQueue, activities),
      );
    }
    if (this.#stopping.signal.aborted) return;
    const runs = this.#workers.map((worker) => worker.run());
    this.#runs = Promise.allSettled(runs);
    for (const run of runs) run.catch(onFailed);
    log.info({ queues: Object.keys(queues) }, 'the worker polls its task queues');
    await onConnected();
  }

  async #connect(): Promise<NativeConnection | null> {
    let told = false;
    while (!this.#stopping.signal.aborted) {
      try {
        return await withTimeout(
          NativeConnection.connect({ address: this.options.config.TEMPORAL_ADDRESS }),
          CONNECT_TIMEOUT_MS,
        );
      } catch (error) {
        if (!told) this.options.log.warn({ err: error }, 'Temporal does not answer yet');
        told = true;
        await new Promise((resolve) => setTimeout(resolve, CONNECT_AGAIN_MS));
      }
    }
    return null;
  }

  #create(
    connection: NativeConnection,
    namespace: string,
    taskQueue: string,
    activities: object,
  ): Promise<Worker> {
    return Worker.create({
      connection,
      namespace,
      taskQueue,
      activities,
      ...workflowCode(),
      maxConcurrentActivityTaskExecutions: 200,
      maxCachedWorkflows: CACHED_WORKFLOWS,
      // Workflows of a worker that was killed go to the next one after this.
      stickyQueueScheduleToStartTimeout: '1 second',
      // Heartbeats carry cancellation back: not later than they are sent.
      maxHeartbeatThrottleInterval: '2 seconds',
      defaultHeartbeatThrottleInterval: '2 seconds',
      shutdownGraceTime: 0,
      shutdownForceTime: SHUTDOWN_MS,
    });
  }
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no connection within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
