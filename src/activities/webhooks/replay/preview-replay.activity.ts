import type { Replay } from './replay.js';
import { withHeartbeats } from '../task/with-heartbeats.js';

export function previewReplayActivity(replay: Replay) {
  return async function previewReplay({ taskId }: { taskId: string }): Promise<void> {
    await withHeartbeats(() => replay.preview(taskId));
  };
}
