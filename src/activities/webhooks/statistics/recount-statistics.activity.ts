import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { LATE_RESULT_MS } from '../../../contracts/webhooks/statistics-recount.js';
import type { RecountResult } from '../../../contracts/webhooks/statistics-recount.js';
import { LEVEL_MS } from '../../../domain/webhooks/statistics/bucket.js';
import type { Recount } from './recount.js';

/** Counts a day again; after a crash it goes on behind the application that was done last. */
export function recountStatisticsActivity(recount: Recount) {
  return async function recountStatistics(day: string): Promise<RecountResult> {
    const dayMs = Date.parse(`${day}T00:00:00Z`);
    if (!(dayMs + LEVEL_MS.d + LATE_RESULT_MS <= Date.now())) {
      const detail = `expected a day that has ended ${LATE_RESULT_MS / 60_000} minutes ago, got "${day}"`;
      throw ApplicationFailure.nonRetryable(detail, 'validation');
    }
    const context = Context.current();
    const done = (context.info.heartbeatDetails as string | undefined) ?? '';
    return recount.day(dayMs, done, (application) => {
      context.heartbeat(application);
      context.cancellationSignal.throwIfAborted();
    });
  };
}
