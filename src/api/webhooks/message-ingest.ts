import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { MessageIn } from '../../contracts/webhooks/message.js';
import { traceIdFrom } from '../../domain/trace.js';
import type { Principal } from '../../platform/auth/scopes.js';
import type { Config } from '../../platform/config.js';
import { notFound } from '../../platform/errors.js';
import { idempotencyKey, requestHash } from '../../platform/http/idempotency.interceptor.js';
import { receivedBody } from '../../platform/http/json-body.js';
import { webhookMetrics } from '../../platform/metrics.js';
import { CONFIG } from '../../platform/platform.module.js';
import { isDuplicateKey } from '../../store/duplicate-key.js';
import { ApplicationRepository } from '../../store/webhooks/application.repository.js';
import { MessageAccept } from '../../store/webhooks/message-accept.js';
import type { MessageRow } from '../../store/webhooks/message.schema.js';
import { ApplicationAccess } from './application-access.js';
import { acceptedMessage, payloadBytes } from './message-outcome.js';

/** From a checked request to a durably accepted message. */
@Injectable()
export class MessageIngest {
  constructor(
    private readonly accepting: MessageAccept,
    private readonly applications: ApplicationRepository,
    private readonly access: ApplicationAccess,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Resolves only when the message is durable.
   * @param onlyEndpoint the only endpoint it is for, whatever the filters say
   */
  async accept(
    caller: Principal,
    app: string,
    input: MessageIn,
    request: FastifyRequest,
    onlyEndpoint?: string,
  ): Promise<{ row: MessageRow; replayed: boolean }> {
    const body = this.#payloadBytes(request);
    const id = await this.#applicationId(caller, app, input);
    const end = webhookMetrics.acceptSeconds.startTimer();
    const accepted = await this.accepting.accept({
      application: id,
      ...(onlyEndpoint === undefined ? {} : { onlyEndpoint }),
      type: input.eventType,
      eventId: input.eventId ?? null,
      body,
      payload: input.payload,
      channels: input.channels ?? null,
      tags: input.tags ?? null,
      trace: traceIdFrom(request.headers.traceparent),
      deliverAt: input.deliverAt == null ? null : new Date(input.deliverAt),
      retentionDays: input.payloadRetentionPeriod ?? this.config.WEBHOOK_PAYLOAD_RETENTION_DAYS,
      idempotencyKey: idempotencyKey(request),
      requestHash: requestHash(request),
    });
    end();
    return acceptedMessage(accepted, input.eventType);
  }

  /** The payload's bytes as they came, so that numbers, key order and white space reach the receiver unchanged. */
  #payloadBytes(request: FastifyRequest): Buffer {
    const received = receivedBody(request);
    if (received === undefined) throw new Error('the checked request has no body');
    return payloadBytes(received.bytes, received.members, this.config.WEBHOOK_MAX_PAYLOAD_BYTES);
  }

  async #applicationId(caller: Principal, app: string, input: MessageIn): Promise<string> {
    const id = await this.access.applicationId(caller, app);
    if (id !== null) return id;
    if (input.application == null || caller.app !== null || app.startsWith('app_'))
      throw notFound('application');
    try {
      return (await this.applications.insert({ ...input.application, uid: app }))._id;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return (await this.access.application(caller, app))._id;
    }
  }
}
