import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { Logger } from 'pino';
import { ENDPOINT_ID, JOB_KIND, OUTCOME, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { RETRY_WORKFLOW, retryId } from '../../contracts/webhooks/jobs.js';
import type { RetryInput } from '../../contracts/webhooks/jobs.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { RetryHandover } from './retry-handover.js';

const STARTS_A_SECOND = 20;
/** After a start that failed none is tried for this long: deliveries stay in their lanes. */
const BACK_OFF_MS = 10_000;
const START_TIMEOUT_MS = 5000;

/** Starts `webhookRetry`, at most 20 a second: visibility may degrade, delivery may not. */
export class RetryWorkflows implements RetryHandover {
  #tokens = STARTS_A_SECOND;
  #filledMs: number;
  #backOffUntilMs = 0;

  constructor(
    private readonly client: Client,
    private readonly log: Logger,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#filledMs = nowMs();
  }

  reserve(): boolean {
    const now = this.nowMs();
    const grown = ((now - this.#filledMs) / 1000) * STARTS_A_SECOND;
    this.#tokens = Math.min(this.#tokens + grown, STARTS_A_SECOND);
    this.#filledMs = now;
    if (this.#tokens < 1 || now < this.#backOffUntilMs) return false;
    this.#tokens -= 1;
    return true;
  }

  async start(row: DeliveryRow, title: string, n: number, nextAt: Date): Promise<boolean> {
    const input: RetryInput = {
      deliveryId: row._id,
      messageId: row.msg,
      endpointId: row.ep,
      appId: row.app,
      n,
      nextAt: nextAt.toISOString(),
    };
    try {
      await this.client.withDeadline(Date.now() + START_TIMEOUT_MS, () =>
        this.client.workflow.start(RETRY_WORKFLOW, {
          workflowId: retryId(row._id),
          taskQueue: WEBHOOK_QUEUES.retry,
          args: [input],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: title,
          memo: { eventType: row.type },
          typedSearchAttributes: new TypedSearchAttributes([
            { key: JOB_KIND, value: 'webhook.retry' },
            { key: TENANT_ID, value: row.app },
            { key: ENDPOINT_ID, value: row.ep },
            { key: OUTCOME, value: 'waiting' },
          ]),
        }),
      );
      return true;
    } catch (error) {
      this.#backOffUntilMs = this.nowMs() + BACK_OFF_MS;
      this.log.warn(
        { err: error, delivery: row._id },
        'retry workflow not started, the lane keeps the delivery',
      );
      return false;
    }
  }
}
