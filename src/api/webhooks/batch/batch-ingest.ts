import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { BatchIn, BatchOut, BatchResult } from '../../../contracts/webhooks/message-batch.js';
import { traceIdFrom } from '../../../domain/trace.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import type { Config } from '../../../platform/config.js';
import { notFound } from '../../../platform/errors.js';
import { idempotencyKey } from '../../../platform/http/idempotency.interceptor.js';
import { problemBody, toProblem } from '../../../platform/http/problem.filter.js';
import { CONFIG } from '../../../platform/platform.module.js';
import { MessageAccept } from '../../../store/webhooks/message-accept.js';
import type { MessageDraft } from '../../../store/webhooks/message-draft.js';
import { ApplicationAccess } from '../application-access.js';
import { acceptedMessage } from '../message-outcome.js';
import { batchItems } from './batch-items.js';
import type { BatchItem } from './batch-items.js';

/** Accepts many messages with one durable write; each one is accepted or refused by itself. */
@Injectable()
export class BatchIngest {
  constructor(
    private readonly accepting: MessageAccept,
    private readonly access: ApplicationAccess,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Resolves when every accepted message is durable. */
  async accept(caller: Principal, app: string, body: BatchIn, request: FastifyRequest): Promise<BatchOut> {
    const id = await this.access.applicationId(caller, app);
    if (id === null) throw notFound('application');
    const results: BatchResult[] = [];
    const drafts: { index: number; draft: MessageDraft }[] = [];
    batchItems(request, body, this.config.WEBHOOK_MAX_PAYLOAD_BYTES).forEach((read, index) => {
      try {
        drafts.push({ index, draft: this.#draft(id, read(), index, request) });
      } catch (error) {
        results[index] = refusal(index, error);
      }
    });
    const answers = await this.accepting.acceptAll(drafts.map(({ draft }) => draft));
    drafts.forEach(({ index, draft }, i) => {
      try {
        const answer = answers[i];
        if (answer === undefined || answer instanceof Error) throw answer;
        const { row, replayed } = acceptedMessage(answer, draft.type);
        results[index] = { index, status: 202, id: row._id, ...(replayed ? { replayed } : {}) };
      } catch (error) {
        results[index] = refusal(index, error);
      }
    });
    return { results };
  }

  #draft(application: string, { input, bytes, payload }: BatchItem, index: number, request: FastifyRequest) {
    const batchKey = idempotencyKey(request);
    // A key of the batch stands for one of each item. No key of a caller has a line break.
    const derived = batchKey === null ? null : `${batchKey}\n${index}`;
    return {
      application,
      type: input.eventType,
      eventId: input.eventId ?? null,
      body: payload,
      payload: input.payload,
      channels: input.channels ?? null,
      tags: input.tags ?? null,
      trace: traceIdFrom(request.headers.traceparent),
      deliverAt: input.deliverAt == null ? null : new Date(input.deliverAt),
      retentionDays: input.payloadRetentionPeriod ?? this.config.WEBHOOK_PAYLOAD_RETENTION_DAYS,
      idempotencyKey: input.idempotencyKey ?? derived,
      requestHash: createHash('sha256').update('item\n').update(bytes).digest('base64url'),
    };
  }
}

function refusal(index: number, error: unknown): BatchResult {
  const problem = toProblem(error);
  if (problem.code === 'unavailable') throw problem;
  return { index, status: problem.status, problem: problemBody(problem) };
}
