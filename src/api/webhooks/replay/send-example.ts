import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ExampleIn } from '../../../contracts/webhooks/background-task.js';
import { latestSchema, schemaExamples } from '../../../domain/webhooks/event-schema/event-schema.js';
import type { Config } from '../../../platform/config.js';
import { invalidMember, ProblemError } from '../../../platform/errors.js';
import { idempotencyKey, requestHash } from '../../../platform/http/idempotency.interceptor.js';
import { CONFIG } from '../../../platform/platform.module.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import { EventTypeRepository } from '../../../store/webhooks/event-type/event-type.repository.js';
import { MessageAccept } from '../../../store/webhooks/message-accept.js';
import type { MessageRow } from '../../../store/webhooks/message.schema.js';
import { acceptedMessage } from '../message-outcome.js';

/** Sends an event type's example to one endpoint, as a message like any other that goes nowhere else. */
@Injectable()
export class SendExample {
  constructor(
    private readonly eventTypes: EventTypeRepository,
    private readonly accepting: MessageAccept,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Resolves only when the message is durable. */
  async send(endpoint: EndpointRow, input: ExampleIn, request: FastifyRequest): Promise<MessageRow> {
    if (endpoint.disabled) {
      throw new ProblemError('endpoint_disabled', 'The endpoint is disabled; enable it, then send again.');
    }
    const payload = await this.#example(input);
    const accepted = await this.accepting.accept({
      application: endpoint.app,
      onlyEndpoint: endpoint._id,
      type: input.eventType,
      body: Buffer.from(JSON.stringify(payload)),
      payload,
      ...{ eventId: null, channels: null, tags: null, deliverAt: null },
      retentionDays: this.config.WEBHOOK_PAYLOAD_RETENTION_DAYS,
      idempotencyKey: idempotencyKey(request),
      requestHash: requestHash(request),
    });
    return acceptedMessage(accepted, input.eventType).row;
  }

  async #example({ eventType, exampleIndex }: ExampleIn): Promise<Record<string, unknown>> {
    const row = await this.eventTypes.find(eventType);
    if (row === null)
      throw invalidMember(['eventType'], `there is no event type "${eventType}"; create it first`);
    const schemas =
      row.schemas === null ? {} : (JSON.parse(row.schemas) as Parameters<typeof latestSchema>[0]);
    const schema = latestSchema(schemas);
    const examples = schema === null ? [] : schemaExamples(schema);
    if (examples.length === 0) {
      throw invalidMember(['eventType'], `"${eventType}" has no example; add "examples" to its schema`);
    }
    const example = examples.length === 1 ? examples[0] : examples[exampleIndex];
    if (example === undefined) {
      throw invalidMember(['exampleIndex'], `expected 0 to ${examples.length - 1}, got ${exampleIndex}`);
    }
    if (typeof example === 'object' && example !== null && !Array.isArray(example)) {
      return example as Record<string, unknown>;
    }
    throw invalidMember(['eventType'], `the example of "${eventType}" is not an object`);
  }
}
