import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { BroadcastIn } from '../../../contracts/webhooks/task-request.js';
import type { Config } from '../../../platform/config.js';
import { creationId } from '../../../platform/http/idempotency.interceptor.js';
import { receivedBody } from '../../../platform/http/json-body.js';
import { CONFIG } from '../../../platform/platform.module.js';
import { ApplicationCache } from '../../../store/webhooks/application-cache.js';
import { EventTypeCache } from '../../../store/webhooks/event-type/event-type-cache.js';
import { typeVerdict } from '../../../store/webhooks/event-type/type-check.js';
import type { WalkTaskRow } from '../../../store/webhooks/task/task.schema.js';
import { newWalkTask } from '../../../store/webhooks/task/walk-task.repository.js';
import { payloadBytes, refusedType } from '../message-outcome.js';
import { BackgroundTasks } from './background-tasks.js';

/** Sends one message to every application. It is checked once, here. */
@Injectable()
export class Broadcasts {
  constructor(
    private readonly tasks: BackgroundTasks,
    private readonly cache: ApplicationCache,
    private readonly eventTypes: EventTypeCache,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async start(input: BroadcastIn, request: FastifyRequest): Promise<WalkTaskRow> {
    const { eventType: type, payload } = input;
    const received = receivedBody(request);
    if (received === undefined) throw new Error('the checked request has no body');
    const body = payloadBytes(received.bytes, received.members, this.config.WEBHOOK_MAX_PAYLOAD_BYTES);
    const { eventTypes: revision } = await this.cache.revisions([]);
    const { fault } = typeVerdict({ type, body, payload }, await this.eventTypes.asOf(revision, [type]), {
      strictTypes: this.config.WEBHOOK_STRICT_TYPES,
      schemaMode: this.config.WEBHOOK_SCHEMA_MODE,
    });
    if (fault !== null) throw refusedType(fault, type);
    const message = {
      ...{ type, body, eventId: input.eventId ?? null, channels: input.channels ?? null },
      retentionDays: this.#days(input),
    };
    const task = newWalkTask({ kind: 'message.broadcast', message }, creationId(request, 'qtask'));
    return this.tasks.begin(task, `message.broadcast of ${type}`);
  }

  #days({ payloadRetentionPeriod: days, payloadRetentionHours: hours }: BroadcastIn): number {
    if (hours != null) return hours / 24;
    return days ?? this.config.WEBHOOK_PAYLOAD_RETENTION_DAYS;
  }
}
