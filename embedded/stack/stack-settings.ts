import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anyFreePort, choosePort, type PortChoice } from './service/ports.js';
import { projectRoot } from './project-root.js';
import type { StackSecrets } from './secrets.js';

/** What a variable overrides and where it points, for each port of a stack. */
export const PORTS = {
  mongodb: { wanted: 27_117, variable: 'HOLDFAST_MONGODB_PORT' },
  temporal: { wanted: 7_233, variable: 'HOLDFAST_TEMPORAL_PORT' },
  temporalUi: { wanted: 8_233, variable: 'HOLDFAST_TEMPORAL_UI_PORT' },
  api: { wanted: 3_000, variable: 'HOLDFAST_API_PORT' },
} as const;

export type PortName = keyof typeof PORTS;

/** Chooses ports one after the other, none twice. */
export class PortChooser {
  readonly #taken = new Set<number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly mode: 'default' | 'free',
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  choose(name: PortName): Promise<PortChoice> {
    const choice = this.#last.then(() => this.#next(name));
    this.#last = choice.catch(() => undefined);
    return choice;
  }

  async #next(name: PortName): Promise<PortChoice> {
    const { wanted, variable } = PORTS[name];
    const choice =
      this.mode === 'free'
        ? { port: await anyFreePort(this.#taken), moved: false }
        : await choosePort({ wanted, variable, explicit: this.env[variable] }, this.#taken);
    this.#taken.add(choice.port);
    return choice;
  }

  /** Ports that were set explicitly, among these. */
  explicit(...names: PortName[]): Record<string, number> {
    if (this.mode === 'free') return {};
    const set = names.filter((name) => this.env[PORTS[name].variable]);
    return Object.fromEntries(set.map((name) => [name, Number(this.env[PORTS[name].variable])]));
  }
}

export interface Addresses {
  mongodbUrl: string;
  temporalAddress: string;
  temporalUiUrl: string;
}

/**
 * The environment of the api and worker processes. On one machine the receivers are on loopback too, so plain
 * http and loopback addresses are allowed unless somebody says otherwise.
 */
export function holdfastEnv(base: NodeJS.ProcessEnv, addresses: Addresses, secrets: StackSecrets) {
  return {
    WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8,::1/128',
    WEBHOOK_ALLOW_HTTP: 'true',
    WORKER_HINT_PORT: '0',
    LOG_LEVEL: 'info',
    ...base,
    MONGODB_URL: addresses.mongodbUrl,
    MONGODB_DATABASE: databaseName(base),
    TEMPORAL_ADDRESS: addresses.temporalAddress,
    TEMPORAL_NAMESPACE: namespaceName(base),
    TEMPORAL_UI_URL: addresses.temporalUiUrl,
    HOLDFAST_MASTER_KEY: secrets.masterKey,
    HOLDFAST_BOOTSTRAP_KEY: secrets.bootstrapKey,
    NODE_ENV: 'production',
  };
}

export const databaseName = (env: NodeJS.ProcessEnv) => env['MONGODB_DATABASE'] || 'holdfast';
export const namespaceName = (env: NodeJS.ProcessEnv) => env['TEMPORAL_NAMESPACE'] || 'default';

/** Version of this checkout. */
export function holdfastVersion(): string {
  const file = join(projectRoot(), 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Fails early, and with the way out, if the processes were never compiled. */
export function requireBuild(): void {
  for (const entry of ['dist/src/api/main.js', 'dist/src/workers/main.js'])
    if (!existsSync(join(projectRoot(), entry)))
      throw new Error(`expected ${entry}, found none: run npm run build`);
}
