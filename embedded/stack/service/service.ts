import type { ProcessIdentity } from '../leftovers/process-identity.js';

/** A machine that has too much to do answers late; taking that for "not ready" would give it even more to do. */
export const CHECK_TIMEOUT_MS = 10_000;

export type ServiceKind = 'embedded-mongodb' | 'mongod' | 'temporal-dev-server' | 'holdfast';

/** A process that a stack starts, watches and stops. */
export interface Service {
  /** Name in `run/`, `logs/` and messages: `mongodb`, `temporal`, `worker`, `api`. */
  readonly name: string;
  readonly kind: ServiceKind;
  readonly version: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly ports: Record<string, number>;
  /** Exits by itself when its standard input closes, so nothing of it outlives the supervisor. */
  readonly exitsWithParent: boolean;
  /** Longest time from SIGTERM to SIGKILL. */
  readonly stopGraceMs: number;
  /** Resolves if it can do its work; rejects with the reason otherwise, after `CHECK_TIMEOUT_MS` at most. */
  check(process: ProcessIdentity): Promise<void>;
}
