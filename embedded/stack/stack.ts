import { rmSync } from 'node:fs';
import { DataDir } from './data-dir.js';
import { lockHolder, tryLock, type Lock } from './leftovers/exclusive-lock.js';
import { apiService, workerService } from './holdfast-services.js';
import { endOthers } from './leftovers/leftover-processes.js';
import { writePrivateJson } from './leftovers/run-record.js';
import { loadSecrets } from './secrets.js';
import type { Service } from './service/service.js';
import { pickPort, type StackContext } from './stack-context.js';
import type { Report } from './stack-event.js';
import { holdfastEnv, holdfastVersion, PortChooser, requireBuild, type Addresses } from './stack-settings.js';
import { startMongodb } from './servers/start-mongodb.js';
import { startTemporal } from './servers/start-temporal.js';
import { Supervisor } from './supervisor.js';

export interface StackOptions {
  /** Everything the stack keeps stands here; it continues with what it finds. */
  dataDir: string;
  /** `default`: the well-known ports or their variables; `free`: any, for tests. */
  ports?: 'default' | 'free';
  /** Settings on top of the environment: of the stack itself, and passed on to api and workers. */
  env?: NodeJS.ProcessEnv;
  /** `servers` leaves out api and workers, for tests that bring their own. */
  services?: 'all' | 'servers';
  /** Worker processes; they are named `worker`, `worker-2`, ... Default 1. */
  workers?: number;
  /** One API process for each, with what it has on top of the environment; named `api`, `api-2`, ... Default one. */
  apis?: NodeJS.ProcessEnv[];
  /** Start crashed processes again. Default true; tests of crashes do it themselves. */
  autoRestart?: boolean;
  /** Whether Temporal and `mongod` go on when this process is killed. Default: `end` with free ports, else `keep`. */
  orphans?: 'keep' | 'end';
  /** Told what happens; silent by default. */
  report?: Report;
  /** Aborting stops what was started so far. */
  signal?: AbortSignal;
}

export interface Stack extends Addresses {
  /** Of the first API process; empty with `services: 'servers'`. */
  apiUrl: string;
  apiUrls: string[];
  /** Admin API key. */
  apiKey: string;
  dataDir: string;
  pids(): Record<string, number>;
  /** Sends a signal (SIGKILL by default) and resolves when the process is gone. */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Starts a process again on the same ports and data, after ending it if it still runs. */
  restart(name: string): Promise<void>;
  /** SIGKILL to every process at once. */
  killAll(): void;
  stop(): Promise<void>;
  /** Resolves with the reason when a process could not be kept running. */
  failed: Promise<Error>;
}

/** Brings up MongoDB, Temporal, workers and API in this order; resolves when all of them are ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const env = { ...process.env, ...options.env };
  const report = options.report ?? (() => undefined);
  const servers = options.services === 'servers';
  if (!servers) requireBuild();
  const data = new DataDir(options.dataDir);
  const lock = lockData(data);
  const running: { stack?: Stack } = {};
  const supervisor = new Supervisor({
    data,
    report,
    autoRestart: options.autoRestart ?? true,
    orphans: options.orphans ?? (options.ports === 'free' ? 'end' : 'keep'),
    onChange: () => running.stack && writeStackFile(data, running.stack),
  });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= supervisor.stop().finally(() => release(data, lock)));
  const abort = () => void stop();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    const ports = new PortChooser(options.ports ?? 'default', env);
    const context = { data, env, ports, supervisor, report };
    const secrets = loadSecrets(data.secrets);
    await endOthers(data.run, ['mongodb', 'temporal'], report);
    const [mongodbUrl, temporal] = await bothOrNone(startMongodb(context), startTemporal(context));
    const addresses = { mongodbUrl, temporalAddress: temporal.address, temporalUiUrl: temporal.uiUrl };
    const apiUrls = servers
      ? []
      : await startHoldfast(context, holdfastEnv(env, addresses, secrets), options);
    const stack: Stack = {
      ...addresses,
      apiUrl: apiUrls[0] ?? '',
      apiUrls,
      apiKey: secrets.bootstrapKey,
      dataDir: data.root,
      pids: () => supervisor.pids(),
      kill: async (name, signal = 'SIGKILL') => void (await supervisor.signal(name, signal)),
      restart: (name) => supervisor.restart(name),
      killAll: () => supervisor.killAll(),
      stop,
      failed: supervisor.failed,
    };
    running.stack = stack;
    writeStackFile(data, stack);
    return stack;
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

/** Workers and API need only the two servers, so they start side by side. @returns the URLs of the API */
async function startHoldfast(
  context: StackContext,
  env: NodeJS.ProcessEnv,
  { workers = 1, apis = [{}] }: StackOptions,
): Promise<string[]> {
  const version = holdfastVersion();
  const ports: number[] = [];
  for (const _ of apis) ports.push(await pickPort(context, 'api'));
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  await bothOrNone(
    ...Array.from({ length: workers }, (_, n) =>
      startOne(context, workerService({ name: nth('worker', n), version, env }), 'polling its task queues'),
    ),
    ...apis.map((own, n) => {
      const service = apiService({ name: nth('api', n), version, port: ports[n]!, env: { ...env, ...own } });
      return startOne(context, service, urls[n]!);
    }),
  );
  return urls;
}

const nth = (name: string, n: number) => (n === 0 ? name : `${name}-${n + 1}`);

async function startOne({ supervisor, report }: StackContext, service: Service, what: string): Promise<void> {
  const started = Date.now();
  report({ type: 'starting', service: service.name });
  await supervisor.start(service);
  report({ type: 'ready', service: service.name, what, ms: Date.now() - started });
}

/** Like `Promise.all`, but a failure leaves nothing behind that rejects later. */
async function bothOrNone<T extends Promise<unknown>[]>(...starts: [...T]) {
  for (const start of starts) start.catch(() => undefined);
  return Promise.all(starts);
}

function lockData(data: DataDir): Lock {
  const lock = tryLock(data.lock);
  if (lock) return lock;
  throw new Error(
    `another Holdfast (pid ${lockHolder(data.lock)}) already runs on ${data.root}: stop it with Ctrl-C, or set HOLDFAST_DATA_DIR to another directory`,
  );
}

function release(data: DataDir, lock: Lock): void {
  rmSync(data.stackFile, { force: true });
  lock.release();
}

/** Where the command line tool and other programs of this machine find the running stack. */
function writeStackFile(data: DataDir, stack: Stack): void {
  const { apiUrl, apiKey, temporalAddress, temporalUiUrl, mongodbUrl } = stack;
  writePrivateJson(data.stackFile, {
    ...{ apiUrl, apiKey, temporalAddress, temporalUiUrl, mongodbUrl },
    pids: { supervisor: process.pid, ...stack.pids() },
  });
}
