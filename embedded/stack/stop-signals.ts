const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm and the terminal both pass Ctrl-C on: what comes within this time is the same key press. */
const SAME_PRESS_MS = 1_000;

/** Calls `first` at the first signal, and `second` when a person asks again. Returns how to stop listening. */
export function onStopSignals(first: (signal: string) => void, second: () => void): () => void {
  let firstAt: number | undefined;
  const listener = (signal: string) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      first(signal);
    } else if (Date.now() - firstAt > SAME_PRESS_MS) second();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
