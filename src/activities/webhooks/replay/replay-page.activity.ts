import type { ReplayProgress } from '../../../contracts/webhooks/replay.js';
import type { Replay } from './replay.js';
import { withHeartbeats } from '../task/with-heartbeats.js';

export function replayPageActivity(replay: Replay) {
  return async function replayPage({ taskId }: { taskId: string }): Promise<ReplayProgress> {
    return withHeartbeats(() => replay.page(taskId));
  };
}
