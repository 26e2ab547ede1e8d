import { accepts } from '../service/ports.js';
import type { Service } from '../service/service.js';
import { checkTemporal, SEARCH_ATTRIBUTES } from './temporal-health.js';

interface TemporalOptions {
  binary: string;
  version: string;
  database: string;
  port: number;
  uiPort: number;
  namespace: string;
  env: NodeJS.ProcessEnv;
}

/**
 * Rates that the server allows one client: its defaults are made for many tenants on a cluster, and one busy
 * machine with one namespace would run into them.
 */
const DYNAMIC_CONFIG = {
  'frontend.rps': 20_000,
  'frontend.namespaceRPS': 20_000,
  'frontend.namespaceRPS.visibility': 500,
  'matching.rps': 20_000,
  'history.rps': 20_000,
};

/** A write-ahead log makes one fsync of a commit instead of three, and loses nothing at power failure with `full`. */
const SQLITE_PRAGMAS = { journal_mode: 'wal', synchronous: 'full' };

/** Temporal's development server, with its state on disk. */
export function temporalService(options: TemporalOptions): Service {
  const { binary, version, database, port, uiPort, namespace, env } = options;
  return {
    name: 'temporal',
    kind: 'temporal-dev-server',
    version,
    command: binary,
    args: [
      ...['server', 'start-dev', '--db-filename', database, '--ip', '127.0.0.1', '--log-level', 'warn'],
      ...['--port', String(port), '--ui-port', String(uiPort), '--ui-disable-news-fetch'],
      ...['--namespace', namespace],
      ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      ...pairs('--dynamic-config-value', DYNAMIC_CONFIG),
      ...pairs('--sqlite-pragma', SQLITE_PRAGMAS),
    ],
    env,
    ports: { temporal: port, temporalUi: uiPort },
    exitsWithParent: false,
    stopGraceMs: 8_000,
    async check() {
      if (!(await accepts(port))) throw new Error(`nothing listens on 127.0.0.1:${port} yet`);
      await checkTemporal(`127.0.0.1:${port}`, namespace);
    },
  };
}

const pairs = (flag: string, values: Record<string, string | number>) =>
  Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
