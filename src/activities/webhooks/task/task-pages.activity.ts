import { Context } from '@temporalio/activity';
import type { TaskProgress } from '../../../contracts/webhooks/task.js';
import type { TaskWalker } from './task-walker.js';
import { withHeartbeats } from './with-heartbeats.js';

export function taskPagesActivity(walker: TaskWalker) {
  return async function taskPages({ taskId }: { taskId: string }): Promise<TaskProgress> {
    const { cancellationSignal } = Context.current();
    return withHeartbeats(() => walker.pages(taskId, () => cancellationSignal.throwIfAborted()));
  };
}
