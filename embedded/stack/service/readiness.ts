import { setTimeout as delay } from 'node:timers/promises';
import { ServiceError } from './service-error.js';
import type { ServiceLog } from './service-log.js';
import type { ServiceProcess } from './service-process.js';

const TIMEOUT_MS = 60_000;
const INTERVAL_MS = 50;

/** Waits until the service can do its work. Fails with its last log lines if it ends, or after 60 s. */
export async function untilReady(process: ServiceProcess, log: ServiceLog): Promise<void> {
  const { service } = process;
  const over = new AbortController();
  const ended = process.exited.then((exit) => {
    throw new ServiceError(`${service.name} ${exit} before it was ready`, log);
  });
  try {
    await Promise.race([ended, untilChecked(process, log, over.signal)]);
  } finally {
    over.abort();
    ended.catch(() => undefined);
  }
}

async function untilChecked(process: ServiceProcess, log: ServiceLog, over: AbortSignal): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return await process.service.check(process.identity);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (over.aborted) return;
      if (Date.now() > deadline)
        throw new ServiceError(
          `${process.service.name} was not ready after ${TIMEOUT_MS / 1000} s: ${reason}`,
          log,
        );
      await delay(INTERVAL_MS);
    }
  }
}
