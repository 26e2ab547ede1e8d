import type { Logger } from 'pino';

/**
 * Ends the process in order on SIGINT and SIGTERM: `close` once, then exit 0, or 1 when it fails.
 * @returns what the signals call, for other reasons to stop
 */
export function onStopSignal(log: Logger, close: () => Promise<void>): () => void {
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    log.info('stopping');
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'not stopped in order');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return stop;
}

/** Stops when standard input closes, so that no process outlives a supervisor that was killed. */
export function exitWithParent(stop: () => void): void {
  process.stdin.resume();
  process.stdin.on('end', stop);
  process.stdin.on('close', stop);
}
