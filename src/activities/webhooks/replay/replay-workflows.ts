import type { Client } from '@temporalio/client';
import { replayStart } from '../../../contracts/webhooks/replay-start.js';
import type { TaskRepository } from '../../../store/webhooks/replay/task.repository.js';

/** A task that goes on is written to every few seconds. */
const STALE_MS = 60_000;
const MOST_AT_ONCE = 100;

/** Looks after tasks whose workflow was never started, or was lost, or did not hear that it may go on. */
export class ReplayWorkflows {
  constructor(
    private readonly tasks: TaskRepository,
    private readonly client: Client,
  ) {}

  /** @returns how many were woken or started */
  async wakeStale(now: Date): Promise<number> {
    const stale = await this.tasks.stale(new Date(now.getTime() - STALE_MS), MOST_AT_ONCE);
    for (const { _id: taskId, app: appId, ep: endpointId, kind } of stale) {
      const { type, options } = replayStart({ taskId, appId, endpointId, title: `${kind} (${endpointId})` });
      await this.client.workflow.signalWithStart(type, { ...options, signal: 'wake', signalArgs: [] });
    }
    return stale.length;
  }
}
