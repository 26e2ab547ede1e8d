import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  endProcess,
  identify,
  isAlive,
  signalProcess,
  type ProcessIdentity,
} from '../leftovers/process-identity.js';
import type { ServiceLog } from './service-log.js';
import type { Service } from './service.js';

const ADOPTED_POLL_MS = 500;

/** Why a process is gone, in words. */
export type Exit = string;

/** One run of a service: a child of ours, or a process of an earlier supervisor that was adopted. */
export class ServiceProcess {
  /** Resolves when the process is gone. */
  readonly exited: Promise<Exit>;
  #gone = false;

  private constructor(
    readonly service: Service,
    readonly identity: ProcessIdentity,
    exited: Promise<Exit>,
    private readonly child?: ChildProcess,
  ) {
    this.exited = exited.then((exit) => {
      this.#gone = true;
      return exit;
    });
  }

  /** Starts it in a process group of its own, so that Ctrl-C reaches the supervisor only, and the order of stopping is ours. */
  static start(service: Service, log: ServiceLog): ServiceProcess {
    const descriptor = log.open();
    const child = spawn(service.command, service.args, {
      env: service.env,
      detached: true,
      stdio: [service.exitsWithParent ? 'pipe' : 'ignore', descriptor, descriptor],
    });
    closeSync(descriptor);
    child.stdin?.on('error', () => undefined);
    const exited = new Promise<Exit>((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) =>
        resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`),
      );
    });
    const pid = child.pid ?? 0;
    return new ServiceProcess(service, identify(pid) ?? { pid, startTime: 'never ran' }, exited, child);
  }

  static adopt(service: Service, identity: ProcessIdentity): ServiceProcess {
    return new ServiceProcess(service, identity, untilGone(identity));
  }

  get running(): boolean {
    return !this.#gone;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.child) this.child.kill(signal);
    else signalProcess(this.identity, signal);
  }

  /** SIGTERM, then SIGKILL when the service's grace or the caller's budget is over. */
  async stop(budgetMs: number): Promise<{ killed: boolean }> {
    if (!this.running) return { killed: false };
    const graceMs = Math.max(0, Math.min(budgetMs, this.service.stopGraceMs));
    const result = await endProcess(this.identity, graceMs);
    await this.exited;
    return result;
  }
}

async function untilGone(identity: ProcessIdentity): Promise<Exit> {
  while (isAlive(identity)) await delay(ADOPTED_POLL_MS, undefined, { ref: false });
  return 'is gone';
}
