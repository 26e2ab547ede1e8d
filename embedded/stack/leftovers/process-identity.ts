import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** A pid alone may name another process tomorrow; with its start time it names one process for good. */
export interface ProcessIdentity {
  pid: number;
  /** Opaque; equal for equal processes on one machine. */
  startTime: string;
}

/** The identity of a running process, or undefined if there is none (a zombie counts as gone). */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = platform() === 'linux' ? linuxStartTime(pid) : psStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return identify(pid)?.startTime === startTime;
}

/** Sends a signal unless the process is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** SIGTERM, then SIGKILL after `graceMs`; resolves when the process is gone, with whether it had to be killed. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<{ killed: boolean }> {
  signalProcess(identity, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  let killed = false;
  while (isAlive(identity)) {
    if (!killed && Date.now() > deadline) {
      signalProcess(identity, 'SIGKILL');
      killed = true;
    }
    await delay(20);
  }
  return { killed };
}

/** proc(5): after the command name in parentheses, the state is field 3 and the start time, in ticks since boot, field 22. */
function linuxStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X' || ticks === undefined) return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${ticks} ${boot}`;
  } catch {
    return undefined;
  }
}

function psStartTime(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}
