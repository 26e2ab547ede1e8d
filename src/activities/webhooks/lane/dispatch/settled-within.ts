/** Waits until all have ended, well or badly, but not longer than `ms`. */
export async function settledWithin(all: Iterable<Promise<unknown>>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([Promise.allSettled(all), timeout]);
  clearTimeout(timer);
}
