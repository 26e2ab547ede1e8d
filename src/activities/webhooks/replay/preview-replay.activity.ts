import { Context } from '@temporalio/activity';
import type { Replay } from './replay.js';

export function previewReplayActivity(replay: Replay) {
  return async function previewReplay({ taskId }: { taskId: string }): Promise<void> {
    const context = Context.current();
    await replay.preview(taskId, () => context.heartbeat());
  };
}
