import { Context } from '@temporalio/activity';
import type { SweepResult } from '../../contracts/webhooks/dispatch.js';
import type { Sweep } from './sweep.js';

export function sweepActivity(sweeper: Sweep) {
  return async function sweep(): Promise<SweepResult> {
    const context = Context.current();
    return sweeper.run(() => {
      context.heartbeat();
      context.cancellationSignal.throwIfAborted();
    });
  };
}
