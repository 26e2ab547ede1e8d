import type { TaskWalker } from './task-walker.js';
import { withHeartbeats } from './with-heartbeats.js';

export function countTaskActivity(walker: TaskWalker) {
  return async function countTask({ taskId }: { taskId: string }): Promise<void> {
    await withHeartbeats(() => walker.count(taskId));
  };
}
