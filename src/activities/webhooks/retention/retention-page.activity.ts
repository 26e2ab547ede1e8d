import { Context } from '@temporalio/activity';
import type { RetentionCursor, RetentionPage } from '../../../contracts/webhooks/retention-job.js';
import type { Retention } from './retention.js';

/** Removes one page of what is older than it is kept. May be done twice. */
export function retentionPageActivity(retention: Retention) {
  return async function retentionPage(cursor: RetentionCursor | null): Promise<RetentionPage> {
    const context = Context.current();
    return retention.page(cursor, () => {
      context.heartbeat();
      context.cancellationSignal.throwIfAborted();
    });
  };
}
