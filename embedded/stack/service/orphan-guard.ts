import { spawn } from 'node:child_process';

/**
 * Ends a process when we end, however we end: a shell waits for the pipe from us to close. For tests, whose servers
 * nobody would take over; `npm start` lets Temporal go on instead. Returns how to call it off.
 */
export function endWithUs(pid: number): () => void {
  const guard = spawn('sh', ['-c', 'cat > /dev/null; kill -TERM "$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.stdin.on('error', () => undefined);
  guard.unref();
  return () => guard.kill('SIGKILL');
}
