import { setTimeout as delay } from 'node:timers/promises';
import type { DataDir } from './data-dir.js';
import { endWithUs } from './service/orphan-guard.js';
import { untilReady } from './service/readiness.js';
import { RestartPolicy } from './service/restart-policy.js';
import { removeRunRecord, writeRunRecord } from './leftovers/run-record.js';
import { ServiceError } from './service/service-error.js';
import { ServiceLog } from './service/service-log.js';
import { ServiceProcess } from './service/service-process.js';
import type { Service } from './service/service.js';
import type { Report } from './stack-event.js';

/** More than the graces of one API, worker, Temporal and MongoDB together, which stop one after the other. */
const STOP_BUDGET_MS = 60_000;
const ROTATE_EVERY_MS = 10_000;

interface Member {
  service: Service;
  log: ServiceLog;
  policy: RestartPolicy;
  run: ServiceProcess;
}

interface SupervisorOptions {
  data: DataDir;
  report: Report;
  /** Start a crashed process again; tests of crashes switch it off and do that themselves. */
  autoRestart: boolean;
  /** What becomes of servers that do not watch their standard input when we die: see `endWithUs`. */
  orphans: 'keep' | 'end';
  /** Called when a process was replaced, so that what is written about pids can be renewed. */
  onChange: () => void;
}

/** Starts services, keeps them running, and stops them in the reverse order. */
export class Supervisor {
  /** Resolves with the reason when a service could not be kept running. */
  readonly failed: Promise<Error>;
  readonly #members: Member[] = [];
  readonly #disowned = new WeakSet<ServiceProcess>();
  readonly #rotation: NodeJS.Timeout;
  #fail: (error: Error) => void = () => undefined;
  #stopping: Promise<void> | undefined;

  constructor(private readonly options: SupervisorOptions) {
    this.failed = new Promise((resolve) => (this.#fail = resolve));
    this.#rotation = setInterval(() => this.#members.forEach(({ log }) => log.rotate()), ROTATE_EVERY_MS);
    this.#rotation.unref();
    process.once('exit', this.#atExit);
  }

  /** Starts a service, or takes over a process that already runs it, and waits until it is ready. */
  async start(service: Service, adopted?: ServiceProcess): Promise<void> {
    this.#refuseIfStopping(service);
    const log = new ServiceLog(this.options.data.log(service.name));
    const run = adopted ?? this.#spawn(service, log);
    const member = { service, log, run, policy: new RestartPolicy() };
    this.#members.push(member);
    this.#record(member);
    await untilReady(run, log);
    this.#watch(member);
  }

  /** Ends a service if it still runs, and starts it again on the same ports and data. */
  async restart(name: string): Promise<void> {
    const member = this.#member(name);
    this.#disowned.add(member.run);
    await member.run.stop(member.service.stopGraceMs);
    await this.#startAgain(member);
  }

  /** Sends a signal; resolves when the process is gone, with how it ended. */
  signal(name: string, signal: NodeJS.Signals): Promise<string> {
    const { run } = this.#member(name);
    run.signal(signal);
    return run.exited;
  }

  pids(): Record<string, number> {
    const running = this.#members.filter(({ run }) => run.running);
    return Object.fromEntries(running.map(({ service, run }) => [service.name, run.identity.pid]));
  }

  /** Stops everything, the last started first, within 60 s in all. Repeated calls wait for the same stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** SIGKILL to everything: for a person who does not want to wait. */
  killAll(): void {
    for (const { run } of this.#members) if (run.running) run.signal('SIGKILL');
  }

  async #stopAll(): Promise<void> {
    const deadline = Date.now() + STOP_BUDGET_MS;
    for (const { service, run } of [...this.#members].reverse()) {
      const started = Date.now();
      if (run.running) {
        this.options.report({ type: 'stopping', service: service.name });
        const { killed } = await run.stop(deadline - Date.now());
        const ms = Date.now() - started;
        this.options.report({ type: 'stopped', service: service.name, ms, killed });
      }
      removeRunRecord(this.options.data.run, service.name);
    }
    clearInterval(this.#rotation);
    process.off('exit', this.#atExit);
  }

  /** Follows one run of a service to its end, and decides what then happens. */
  #watch(member: Member): void {
    const { run, service } = member;
    const isOver = () => this.#stopping !== undefined || this.#disowned.has(run);
    void run.exited.then(async (exit) => {
      if (isOver() || !this.options.autoRestart) return;
      const waitMs = member.policy.onCrash(Date.now());
      if (waitMs === undefined) {
        this.#fail(new ServiceError(`${service.name} ${exit}, more than five times in a minute`, member.log));
        return;
      }
      this.options.report({ type: 'crashed', service: service.name, exit, waitMs });
      await delay(waitMs);
      if (!isOver()) await this.#restartCrashed(member);
    });
  }

  async #restartCrashed(member: Member): Promise<void> {
    const started = Date.now();
    const { name } = member.service;
    try {
      await this.#startAgain(member);
      this.options.report({ type: 'ready', service: name, what: 'restarted', ms: Date.now() - started });
    } catch (error) {
      // If it ended, its own watch has counted that as the next crash; only a run that hangs is the end.
      if (!this.#stopping && member.run.running) this.#fail(error as Error);
    }
  }

  /** Ends before it is ready count like any other, so the run is watched from its first moment. */
  async #startAgain(member: Member): Promise<void> {
    this.#refuseIfStopping(member.service);
    member.run = this.#spawn(member.service, member.log);
    this.#record(member);
    this.options.onChange();
    this.#watch(member);
    await untilReady(member.run, member.log);
  }

  #spawn(service: Service, log: ServiceLog): ServiceProcess {
    const run = ServiceProcess.start(service, log);
    if (this.options.orphans === 'end' && !service.exitsWithParent)
      void run.exited.then(endWithUs(run.identity.pid));
    return run;
  }

  #record({ service, run }: Member): void {
    const { name, kind, version, ports } = service;
    writeRunRecord(this.options.data.run, { name, kind, version, ports, ...run.identity });
  }

  #member(name: string): Member {
    const member = this.#members.find(({ service }) => service.name === name);
    if (member) return member;
    const names = this.#members.map(({ service }) => service.name).join(', ');
    throw new Error(`expected a running service (${names}), got '${name}'`);
  }

  #refuseIfStopping(service: Service): void {
    if (this.#stopping) throw new Error(`${service.name} is not started: the stack is being stopped`);
  }

  /** Those that watch their standard input end by themselves; the others are told, whatever made us exit. */
  readonly #atExit = () => {
    for (const { service, run } of this.#members)
      if (run.running && !service.exitsWithParent) run.signal('SIGTERM');
  };
}
