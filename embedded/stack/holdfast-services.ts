import { join } from 'node:path';
import { accepts } from './service/ports.js';
import { projectRoot } from './project-root.js';
import { CHECK_TIMEOUT_MS, type Service } from './service/service.js';
import { checkPoller } from './servers/temporal-health.js';

/** A worker drains for 25 s (`DRAIN_MS` in its own code) and then writes its last results and closes its connections. */
const WORKER_STOP_MS = 30_000;
/** Queue whose pollers show that a worker is up: every worker of one machine serves it. */
const READINESS_QUEUE = 'webhooks';
/** Node keeps compiled modules here, which takes a quarter off the next start. */
const COMPILE_CACHE = join(projectRoot(), 'node_modules', '.cache', 'node-compile');

interface WorkerOptions {
  name: string;
  version: string;
  env: NodeJS.ProcessEnv;
}

/** A worker process of Holdfast. It drains what it runs when it is told to stop. */
export function workerService({ name, version, env }: WorkerOptions): Service {
  const address = env['TEMPORAL_ADDRESS'] ?? '';
  const namespace = env['TEMPORAL_NAMESPACE'] ?? '';
  return {
    ...holdfastProcess('src/workers/main.js', version, env),
    name,
    ports: {},
    stopGraceMs: WORKER_STOP_MS,
    check: ({ pid }) => checkPoller(address, namespace, READINESS_QUEUE, pid),
  };
}

interface ApiOptions {
  name: string;
  version: string;
  port: number;
  env: NodeJS.ProcessEnv;
}

/** The API process of Holdfast. */
export function apiService({ name, version, port, env }: ApiOptions): Service {
  return {
    ...holdfastProcess('src/api/main.js', version, { ...env, API_HOST: '127.0.0.1', API_PORT: String(port) }),
    name,
    ports: { api: port },
    stopGraceMs: 8_000,
    async check() {
      if (!(await accepts(port))) throw new Error(`nothing listens on 127.0.0.1:${port} yet`);
      const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
      const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal });
      if (!response.ok) throw new Error(`/readyz answers ${response.status}: ${await response.text()}`);
    },
  };
}

function holdfastProcess(entry: string, version: string, env: NodeJS.ProcessEnv) {
  return {
    kind: 'holdfast' as const,
    version,
    command: process.execPath,
    args: ['--enable-source-maps', join(projectRoot(), 'dist', entry)],
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...env, HOLDFAST_EXIT_WITH_PARENT: '1' },
    exitsWithParent: true,
  };
}
