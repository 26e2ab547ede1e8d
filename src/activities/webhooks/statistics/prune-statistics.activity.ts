import { Context } from '@temporalio/activity';
import type { Recount } from './recount.js';

/** Removes statistics that are older than they are kept. */
export function pruneStatisticsActivity(recount: Recount) {
  return async function pruneStatistics(): Promise<number> {
    const context = Context.current();
    return recount.prune(Date.now(), () => {
      context.heartbeat();
      context.cancellationSignal.throwIfAborted();
    });
  };
}
