import { Context } from '@temporalio/activity';
import type { ReplayProgress } from '../../../contracts/webhooks/replay.js';
import type { Replay } from './replay.js';

export function replayPageActivity(replay: Replay) {
  return async function replayPage({ taskId }: { taskId: string }): Promise<ReplayProgress> {
    const context = Context.current();
    return replay.page(taskId, () => context.heartbeat());
  };
}
