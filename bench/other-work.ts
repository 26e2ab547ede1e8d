import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { cpuSeconds } from './machine.js';

/** Exit code of a benchmark whose bounds were missed while the machine was busy with something else: no verdict. */
export const NOT_JUDGED = 77;
/** More than this share of the machine used by others, and speed tells about them. */
const MOST_SHARE = 0.15;
const TICKS_PER_SECOND = 100; // USER_HZ

/** What processes that are no part of a benchmark take of the machine while it runs. */
export class OtherWork {
  readonly #startedMs = performance.now();
  readonly #busy = busySeconds();
  readonly #ours: number;

  /** @param pids of the benchmark, by name */
  constructor(private readonly pids: () => Record<string, number>) {
    this.#ours = sum(cpuSeconds(pids()));
  }

  /** Cores that others used on average; 0 where /proc does not tell. */
  cores(): number {
    const ours = sum(cpuSeconds(this.pids())) - this.#ours;
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    return Math.max(0, (busySeconds() - this.#busy - ours) / seconds);
  }

  get isTooMuch(): boolean {
    return this.cores() > MOST_SHARE * cpus().length;
  }

  toString(): string {
    const judged = this.isTooMuch ? ': too much to judge speed by' : '';
    return `other processes used ${this.cores().toFixed(2)} of ${cpus().length} cores${judged}`;
  }
}

/** proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal. */
function busySeconds(): number {
  try {
    const fields = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).slice(1, 9).map(Number);
    const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
    return (fields.reduce((total, field) => total + field, 0) - idle) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

const sum = (seconds: Record<string, number>) =>
  Object.values(seconds).reduce((total, value) => total + value, 0);
