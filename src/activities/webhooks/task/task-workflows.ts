import type { Client } from '@temporalio/client';
import { taskStart } from '../../../contracts/webhooks/task-start.js';
import type { TaskRepository } from '../../../store/webhooks/task/task.repository.js';

/** A task that goes on is written to every few seconds. */
const STALE_MS = 60_000;
const MOST_AT_ONCE = 100;

/** Looks after tasks whose workflow was never started, or was lost, or did not hear that it may go on. */
export class TaskWorkflows {
  constructor(
    private readonly tasks: TaskRepository,
    private readonly client: Client,
  ) {}

  /** @returns how many were woken or started */
  async wakeStale(now: Date): Promise<number> {
    const stale = await this.tasks.stale(new Date(now.getTime() - STALE_MS), MOST_AT_ONCE);
    for (const { _id: taskId, app: appId, ep: endpointId, kind } of stale) {
      const about = endpointId ?? appId;
      const title = about === null ? kind : `${kind} (${about})`;
      const { type, options } = taskStart({ taskId, appId, endpointId, title });
      await this.client.workflow.signalWithStart(type, { ...options, signal: 'wake', signalArgs: [] });
    }
    return stale.length;
  }
}
