import type { Steering } from '../../../contracts/webhooks/replay.js';
import type { Replay } from './replay.js';

export function steerReplayActivity(replay: Replay) {
  return async function steerReplay(input: { taskId: string; steering: Steering }): Promise<void> {
    await replay.steer(input.taskId, input.steering);
  };
}
