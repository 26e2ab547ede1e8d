import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { MessageIn } from '../../../contracts/webhooks/message.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { invalidMember, ProblemError } from '../../../platform/errors.js';
import { deliveryId } from '../../../platform/ids.js';
import type { AttemptRow } from '../../../store/webhooks/attempt.schema.js';
import { AttemptListRepository } from '../../../store/webhooks/lists/attempt-list.repository.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import type { MessageRow } from '../../../store/webhooks/message.schema.js';
import { MessageIngest } from '../message-ingest.js';

const POLL_MS = { first: 20, longest: 250 };
/** A try takes 30 s at most; the rest is for reading it and writing its result. */
const PATIENCE_MS = 35_000;

/** Sends a message to one endpoint and waits for what it answers. It is a message like any other, retries included. */
@Injectable()
export class TestAttempt {
  constructor(
    private readonly ingest: MessageIngest,
    private readonly attempts: AttemptListRepository,
  ) {}

  /** @throws ProblemError `not_tried` while the endpoint is down, or when the message waits too long for its turn */
  async make(
    caller: Principal,
    endpoint: EndpointRow,
    input: MessageIn,
    request: FastifyRequest,
  ): Promise<{ attempt: AttemptRow; message: MessageRow }> {
    if (endpoint.disabled) {
      throw new ProblemError('endpoint_disabled', 'The endpoint is disabled; enable it, then send again.');
    }
    if (endpoint.circuit?.state === 'open') {
      throw new ProblemError(
        'not_tried',
        'The endpoint is down: it is probed, and sent to when it answers again. Nothing was accepted; test it then.',
      );
    }
    if (input.deliverAt != null) throw invalidMember(['deliverAt'], 'a test is sent at once; leave it out');
    const { row: message } = await this.ingest.accept(caller, endpoint.app, input, request, endpoint._id);
    const attempt = await this.#first(deliveryId(message._id, endpoint._id), request);
    if (attempt !== null) return { attempt, message };
    throw new ProblemError(
      'not_tried',
      `The message was accepted as ${message._id} and has not had its turn yet. It will: list its attempts, or send again with the same idempotency key.`,
      { headers: { 'retry-after': '5' } },
    );
  }

  async #first(delivery: string, { raw }: FastifyRequest): Promise<AttemptRow | null> {
    const untilMs = performance.now() + PATIENCE_MS;
    let waitMs = POLL_MS.first;
    for (;;) {
      const [attempt] = await this.attempts.ofDelivery(delivery, 1);
      if (attempt !== undefined) return attempt;
      if (performance.now() > untilMs || raw.socket.destroyed) return null;
      await delay(waitMs);
      waitMs = Math.min(waitMs * 1.5, POLL_MS.longest);
    }
  }
}
