import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { MessageIn } from '../../contracts/webhooks/message.js';
import { traceIdFrom } from '../../domain/trace.js';
import type { SchemaFault } from '../../domain/webhooks/event-schema/schema-bounds.js';
import type { Principal } from '../../platform/auth/scopes.js';
import type { Config } from '../../platform/config.js';
import { bodyFault, invalidMember, notFound, ProblemError } from '../../platform/errors.js';
import { idempotencyKey, keyReused, requestHash } from '../../platform/http/idempotency.interceptor.js';
import { receivedBody } from '../../platform/http/json-body.js';
import { webhookMetrics } from '../../platform/metrics.js';
import { CONFIG } from '../../platform/platform.module.js';
import { isDuplicateKey } from '../../store/duplicate-key.js';
import { ApplicationRepository } from '../../store/webhooks/application.repository.js';
import { MessageAccept } from '../../store/webhooks/message-accept.js';
import type { Accepted } from '../../store/webhooks/message-accept.js';
import type { MessageRow } from '../../store/webhooks/message.schema.js';
import { ApplicationAccess } from './application-access.js';

/** From a checked request to a durably accepted message. */
@Injectable()
export class MessageIngest {
  constructor(
    private readonly accepting: MessageAccept,
    private readonly applications: ApplicationRepository,
    private readonly access: ApplicationAccess,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Resolves only when the message is durable. */
  async accept(
    caller: Principal,
    app: string,
    input: MessageIn,
    request: FastifyRequest,
  ): Promise<{ row: MessageRow; replayed: boolean }> {
    const body = this.#payloadBytes(request);
    const id = await this.#applicationId(caller, app, input);
    const end = webhookMetrics.acceptSeconds.startTimer();
    const accepted = await this.accepting.accept({
      application: id,
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
    return outcome(accepted, input.eventType);
  }

  /** The payload's bytes as they came, so that numbers, key order and white space reach the receiver unchanged. */
  #payloadBytes(request: FastifyRequest): Buffer {
    const received = receivedBody(request);
    const range = received?.members?.find((member) => member.key === 'payload');
    if (received === undefined || range === undefined) throw new Error('the checked body has no payload');
    const limit = this.config.WEBHOOK_MAX_PAYLOAD_BYTES;
    if (range.end - range.start > limit) throw payloadTooLarge(limit, range.end - range.start);
    return received.bytes.subarray(range.start, range.end);
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

function outcome(accepted: Accepted, type: string): { row: MessageRow; replayed: boolean } {
  switch (accepted.kind) {
    case 'stored':
      return { row: accepted.row, replayed: false };
    case 'replayed':
      return { row: accepted.row, replayed: true };
    case 'key_reused':
      throw keyReused();
    case 'no_application':
      throw notFound('application');
    case 'unknown_type':
      throw invalidMember(
        ['eventType'],
        `there is no event type "${type}"; create it first`,
        'unknown_event_type',
      );
    case 'schema_mismatch':
      throw schemaMismatch(type, accepted.faults);
    case 'event_id_taken':
      throw new ProblemError(
        'conflict',
        `A message with the eventId "${accepted.row.eventId}" was accepted before: ${accepted.row._id}.`,
        { members: { existing: accepted.row._id } },
      );
  }
}

function schemaMismatch(type: string, faults: readonly SchemaFault[]): ProblemError {
  const errors = faults.map(({ path, message }) =>
    bodyFault(['payload', ...path], message, 'schema_mismatch'),
  );
  const detail = errors.map((fault) => `${fault.pointer} ${fault.msg}`).join('; ');
  return new ProblemError('schema_mismatch', `The payload does not fit the schema of "${type}": ${detail}`, {
    errors,
  });
}

const payloadTooLarge = (limit: number, got: number) =>
  new ProblemError('payload_too_large', `The payload has ${got} bytes; at most ${limit} are accepted.`);
