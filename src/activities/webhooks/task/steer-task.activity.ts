import type { Steering } from '../../../contracts/webhooks/replay.js';
import type { TaskRepository } from '../../../store/webhooks/task/task.repository.js';

/** Writes into the row what was asked of the workflow. */
export function steerTaskActivity(tasks: TaskRepository) {
  return async function steerTask(input: { taskId: string; steering: Steering }): Promise<void> {
    await tasks.steer(input.taskId, input.steering);
  };
}
