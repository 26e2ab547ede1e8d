import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const EVERY_MS = 500;

/**
 * Calls `gone` once when the npm that ran us is no longer there. npm runs a script in a shell: a signal to npm alone is
 * passed on to the shell alone, which dies of it, and kill -9 of npm leaves the shell waiting for us. So both are watched.
 * Without npm nobody is: a process that was started by hand may outlive its shell. Returns how to stop watching.
 */
export function watchParents(gone) {
  if (process.env.npm_lifecycle_event === undefined) return () => undefined;
  const parent = process.ppid;
  const beyond = beyondShell(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (beyond === undefined || isThere(beyond))) return;
    clearInterval(timer);
    gone();
  }, EVERY_MS);
  return () => clearInterval(timer);
}

/** The parent of our parent, where that is the shell that runs the script. */
function beyondShell(pid) {
  try {
    const { parent, args } = process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
    return args.includes('bootstrap.mjs') && parent > 1 ? parent : undefined;
  } catch {
    return undefined;
  }
}

/** proc(5): after the command name in parentheses come the state and the parent. */
function fromProc(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(parent), args: readFileSync(`/proc/${pid}/cmdline`, 'utf8') };
}

function fromPs(pid) {
  const line = execFileSync('ps', ['-o', 'ppid=,args=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  const [parent, ...args] = line.split(/\s+/);
  return { parent: Number(parent), args: args.join(' ') };
}

function isThere(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
