const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm and the terminal both pass Ctrl-C on: what comes within this time is the same key press. */
const SAME_PRESS_MS = 1_000;

/**
 * Calls `first` at the first signal, or when the process that holds a channel to us (the bootstrap) dies, and `second`
 * when a person asks again. Returns how to stop listening.
 */
export function onStopSignals(first: (signal: string) => void, second: () => void): () => void {
  let firstAt: number | undefined;
  const listener = (signal: string) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      first(signal);
    } else if (Date.now() - firstAt > SAME_PRESS_MS) second();
  };
  const orphaned = () => {
    if (firstAt === undefined) listener('disconnect');
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  process.on('disconnect', orphaned);
  // Waiting for it keeps nobody running.
  process.channel?.unref();
  return () => {
    process.off('disconnect', orphaned);
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
