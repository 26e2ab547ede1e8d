import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { InboundEventOut, InboundReceipt } from '../../../contracts/webhooks/inbound.js';
import { eventTypeName } from '../../../contracts/webhooks/names.js';
import { verify, WebhookVerificationError } from '../../../domain/webhooks/verify.js';
import type { Config } from '../../../platform/config.js';
import { invalidMember, notFound, ProblemError } from '../../../platform/errors.js';
import { receivedBody } from '../../../platform/http/json-body.js';
import { webhookMetrics } from '../../../platform/metrics.js';
import { CONFIG } from '../../../platform/platform.module.js';
import { InboundRepository } from '../../../store/webhooks/inbound/inbound.repository.js';
import type { InboundEventRow, InboundSourceRow } from '../../../store/webhooks/inbound/inbound.schema.js';
import { MessageAccept } from '../../../store/webhooks/message-accept.js';
import { acceptedMessage } from '../message-outcome.js';
import { InboundSources } from './inbound-sources.js';

const MAX_ID = 256;

/**
 * Takes webhooks that are sent to us. An event is stored before it becomes a message: the sender gets his 200 when
 * both are durable and sends again until then, and the message's event id makes the second time harmless.
 */
@Injectable()
export class InboundIngest {
  constructor(
    private readonly rows: InboundRepository,
    private readonly sources: InboundSources,
    private readonly accepting: MessageAccept,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async receive(name: string, request: FastifyRequest): Promise<InboundReceipt> {
    const source = await this.rows.findSource(name);
    if (source === null) throw notFound('source');
    const body = receivedBody(request)?.bytes ?? Buffer.alloc(0);
    const limit = this.config.WEBHOOK_MAX_PAYLOAD_BYTES;
    if (body.length > limit)
      throw new ProblemError('payload_too_large', `At most ${limit} bytes are accepted.`);
    const payload = await this.#verified(source, body, request);
    const webhookId = String(request.headers['webhook-id'] ?? request.headers['svix-id']);
    if (webhookId.length > MAX_ID)
      throw invalidMember([], `expected a webhook-id of at most ${MAX_ID} characters`);
    const type = this.#typeOf(source, payload);
    const { row, repeated } = await this.rows.take({ source, webhookId, body });
    const messageId = row.msg ?? (await this.#forward(source, row, payload, type));
    await this.rows.count(name, repeated ? 'repeated' : 'accepted');
    webhookMetrics.inbound.inc({ result: repeated ? 'repeated' : 'accepted' });
    return { id: row._id, repeated, messageId };
  }

  /** @throws ProblemError `authentication_failed` that names the first check that failed, and counts it */
  async #verified(source: InboundSourceRow, body: Buffer, request: FastifyRequest): Promise<unknown> {
    try {
      const nowSec = Math.floor(Date.now() / 1000);
      return verify(body, request.headers, this.sources.verifying(source), { nowSec });
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error;
      webhookMetrics.inbound.inc({ result: 'refused' });
      await this.rows.countRefused(source._id, error.code);
      throw new ProblemError('authentication_failed', `The signature is not valid: ${error.message}.`, {
        members: { reason: error.code },
      });
    }
  }

  /** Checked before the event is stored, so that what cannot become a message is refused as a whole. */
  #typeOf({ app, eventType }: InboundSourceRow, payload: unknown): string | null {
    if (app === null) return null;
    if (!isObject(payload)) throw invalidMember([], 'expected an object');
    const type = eventTypeName.safeParse(eventType ?? payload['type']);
    if (type.success) return type.data;
    throw invalidMember(['type'], 'expected an event type, because the source names none');
  }

  async #forward(
    { app }: InboundSourceRow,
    row: InboundEventRow,
    payload: unknown,
    type: string | null,
  ): Promise<string | null> {
    if (app === null || type === null || !isObject(payload)) return null;
    const body = Buffer.from(row.body.buffer);
    const answer = await this.accepting.accept({
      ...{ application: app, type, eventId: row._id, body, payload },
      ...{ channels: null, tags: null, deliverAt: null, idempotencyKey: null },
      retentionDays: this.config.WEBHOOK_PAYLOAD_RETENTION_DAYS,
      requestHash: createHash('sha256').update(body).digest('base64url'),
    });
    const message = answer.kind === 'event_id_taken' ? answer.row : acceptedMessage(answer, type).row;
    await this.rows.setMessage(row._id, message._id);
    return message._id;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const inboundEventView = (row: InboundEventRow): InboundEventOut => ({
  ...{ id: row._id, webhookId: row.webhookId, messageId: row.msg, at: row.at.toISOString() },
  payload: JSON.parse(Buffer.from(row.body.buffer).toString()) as unknown,
});
