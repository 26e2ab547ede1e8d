import type { Client } from '@temporalio/client';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { DISPATCHER_WORKFLOW, dispatcherId } from '../../contracts/webhooks/jobs.js';
import type { DispatcherInput, WakeReason } from '../../contracts/webhooks/jobs.js';

/** The dispatcher workflows of the lanes: one each, running for ever. */
export class Dispatchers {
  constructor(private readonly client: Client) {}

  /** Starts the dispatcher of a lane unless it runs. */
  async ensure(lane: string): Promise<void> {
    await this.client.workflow.start(DISPATCHER_WORKFLOW, {
      ...startOptions(lane),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
  }

  /** Has the dispatcher look after its lane now; starts it if it does not run. */
  async wake(lane: string, reason: WakeReason): Promise<void> {
    await this.client.workflow.signalWithStart(DISPATCHER_WORKFLOW, {
      ...startOptions(lane),
      signal: 'wake',
      signalArgs: [reason],
    });
  }
}

const startOptions = (lane: string) => ({
  workflowId: dispatcherId(lane),
  taskQueue: WEBHOOK_QUEUES.dispatch,
  args: [{ lane } satisfies DispatcherInput],
  staticSummary: `serves the webhook lane ${lane}`,
});
