import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Names of lane owners: `<id>@<host>/<boot>/<pid namespace>/<pid>/<start>`. Where the system tells boot id, pid
 * namespace and start time (Linux), a process of the same host can prove that an owner is dead: its pid is gone or
 * belongs to a process that started at another time. Elsewhere the parts are `-` and nothing is ever proved.
 */
const UNKNOWN = '-';

/** @param id unique within and across processes, e.g. `wrk_2rK…` */
export function ownerName(id: string): string {
  return `${id}@${hostname()}/${thisHost()}/${process.pid}/${startTime(process.pid) ?? UNKNOWN}`;
}

/** True only when the process behind an owner certainly no longer runs. */
export function isProvablyDead(owner: string): boolean {
  const [boot, namespace, pid, start] = owner.split('/').slice(-4);
  if (start === undefined || start === UNKNOWN || boot === UNKNOWN) return false;
  if (`${boot}/${namespace}` !== thisHost()) return false;
  const running = startTime(Number(pid));
  return running === null ? !exists(Number(pid)) : running !== start;
}

function thisHost(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
    return `${boot}/${namespace}`;
  } catch {
    return `${UNKNOWN}/${UNKNOWN}`;
  }
}

/** Whether the pid is in use, also by a process that /proc hides from this one. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== 'ESRCH';
  }
}

/** Field 22 of /proc/<pid>/stat (proc(5)), in clock ticks since boot; null when there is no such process. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; it only waits for its parent.
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? null);
  } catch {
    return null;
  }
}
