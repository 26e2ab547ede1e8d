import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { Logger } from 'pino';
import { ENDPOINT_ID, JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { RECOVERY_WORKFLOW, recoveryId } from '../../contracts/webhooks/jobs.js';
import type { RecoveryInput } from '../../contracts/webhooks/jobs.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';

const START_TIMEOUT_MS = 5000;

/** The workflows that look after endpoints that are down: one each. */
export class Recoveries {
  constructor(
    private readonly client: Client,
    private readonly log: Logger,
  ) {}

  /** Starts the workflow of an endpoint whose breaker is open, unless it runs. False when it could not be started. */
  async start({ _id, app, url, circuit }: EndpointRow): Promise<boolean> {
    if (circuit === undefined) return false;
    const input: RecoveryInput = {
      endpointId: _id,
      appId: app,
      since: circuit.since.toISOString(),
      trips: circuit.trips,
      probeNo: 0,
      nextProbeAt: (circuit.nextProbeAt ?? new Date()).toISOString(),
      ratePerSec: null,
    };
    try {
      await this.client.withDeadline(Date.now() + START_TIMEOUT_MS, () =>
        this.client.workflow.start(RECOVERY_WORKFLOW, {
          workflowId: recoveryId(_id),
          taskQueue: WEBHOOK_QUEUES.retry,
          args: [input],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `brings ${shown(url)} (${_id}) back`,
          typedSearchAttributes: new TypedSearchAttributes([
            { key: JOB_KIND, value: 'webhook.endpoint' },
            { key: TENANT_ID, value: app },
            { key: ENDPOINT_ID, value: _id },
            { key: OUTCOME, value: 'waiting' },
          ]),
        }),
      );
      return true;
    } catch (error) {
      this.log.warn(
        { err: error, endpoint: _id },
        'the recovery of the endpoint is not started; the sweeper will',
      );
      return false;
    }
  }
}

/** Query strings may hold secrets. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
