import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { DISPATCHER_WORKFLOW, dispatcherId, recoveryId } from '../../contracts/webhooks/jobs.js';
import type { DispatcherInput } from '../../contracts/webhooks/jobs.js';
import { LOGGER } from '../../platform/platform.module.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import { TemporalClient } from '../../platform/temporal.js';

const START_TIMEOUT_MS = 2000;

/** Has an own lane served from now on. Where Temporal is away, the sweeper finds the lane when it holds something. */
@Injectable()
export class LaneStarts {
  constructor(
    private readonly temporal: TemporalClient,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** An endpoint that is down is probed at once: what was changed may have brought it back. */
  async ensure({ _id: lane, circuit }: EndpointRow): Promise<void> {
    const { client } = this.temporal;
    try {
      await client.withDeadline<unknown>(Date.now() + START_TIMEOUT_MS, () =>
        circuit !== undefined
          ? client.workflow.getHandle(recoveryId(lane)).signal('endpointChanged')
          : client.workflow.start(DISPATCHER_WORKFLOW, {
              workflowId: dispatcherId(lane),
              taskQueue: WEBHOOK_QUEUES.dispatch,
              args: [{ lane } satisfies DispatcherInput],
              workflowIdConflictPolicy: 'USE_EXISTING',
              staticSummary: `serves the webhook lane ${lane}`,
            }),
      );
    } catch (error) {
      this.log.warn({ err: error, lane }, 'the dispatcher of the lane is not started; the sweeper will');
    }
  }
}
