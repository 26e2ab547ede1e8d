import { Injectable } from '@nestjs/common';
import { TypedSearchAttributes } from '@temporalio/common';
import { ENDPOINT_ID, JOB_KIND, TENANT_ID } from '../../contracts/search-attributes.js';
import { WEBHOOK_QUEUES } from '../../contracts/webhooks/delivery.js';
import { SEND_WORKFLOW, sendId } from '../../contracts/webhooks/jobs.js';
import type { WebhookSendInput } from '../../contracts/webhooks/jobs.js';
import { deliveryTitle } from '../../domain/webhooks/delivery-title.js';
import { ProblemError } from '../../platform/errors.js';
import { deliveryId } from '../../platform/ids.js';
import { TemporalClient } from '../../platform/temporal.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import type { MessageRow } from '../../store/webhooks/message.schema.js';

/** Starts a `webhookSend`: one more try of a message at an endpoint, because somebody asked. */
@Injectable()
export class Resend {
  constructor(private readonly temporal: TemporalClient) {}

  /** @param requestId names the request, so that repeating it starts nothing twice */
  async start(message: MessageRow, endpoint: EndpointRow, requestId: string): Promise<void> {
    if (endpoint.disabled) {
      throw new ProblemError('endpoint_disabled', 'The endpoint is disabled; enable it, then send again.');
    }
    if (message.body === null) {
      throw new ProblemError('content_expired', 'The payload of this message is no longer stored.');
    }
    const delivery = deliveryId(message._id, endpoint._id);
    const input: WebhookSendInput = {
      deliveryId: delivery,
      messageId: message._id,
      endpointId: endpoint._id,
      appId: message.app,
      title: deliveryTitle(message.type, new URL(endpoint.url), endpoint._id),
      requestId,
    };
    try {
      await this.temporal.client.workflow.start(SEND_WORKFLOW, {
        args: [input],
        workflowId: sendId(delivery, requestId),
        taskQueue: WEBHOOK_QUEUES.retry,
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `resend ${input.title}`,
        typedSearchAttributes: new TypedSearchAttributes([
          { key: JOB_KIND, value: 'webhook.send' },
          { key: TENANT_ID, value: message.app },
          { key: ENDPOINT_ID, value: endpoint._id },
        ]),
      });
    } catch (error) {
      throw new ProblemError(
        'unavailable',
        'Temporal does not answer, so the resend was not started. Try again.',
        {
          headers: { 'retry-after': '5' },
          cause: error,
        },
      );
    }
  }
}
