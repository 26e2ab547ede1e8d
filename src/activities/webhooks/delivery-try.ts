import type { AttemptTrigger } from '../../contracts/webhooks/delivery.js';
import { isTaken, judgeAnswer } from '../../domain/webhooks/answer.js';
import type { Judgement } from '../../domain/webhooks/answer.js';
import { attemptFacets } from '../../domain/webhooks/facets.js';
import { traceIdOf } from '../../domain/trace.js';
import { newId } from '../../platform/ids.js';
import { webhookMetrics } from '../../platform/metrics.js';
import { VERSION } from '../../platform/version.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { HttpSender, SendResult } from './http-sender.js';
import { TRY_TIMEOUT_MS } from './http-sender.js';
import { outgoingHeaders } from './outgoing-headers.js';
import { answerHeaders } from './shown-headers.js';
import type { PreparedEndpoint } from './prepared-endpoints.js';
import type { RetrySchedules } from './retry-schedules.js';

export interface DeliveryTryOptions {
  sender: HttpSender;
  /** Names this process in attempts. */
  worker: string;
  svixHeaders: boolean;
  schedules: RetrySchedules;
  random?: () => number;
}

/** A delivery with everything one try needs. */
export interface ReadyDelivery {
  row: DeliveryRow;
  endpoint: PreparedEndpoint;
  body: Buffer;
  trigger: AttemptTrigger;
  /** False when the row was only told and may not be in the store yet. */
  stored: boolean;
}

/** What a try did and what it means, not yet written. */
export interface TriedDelivery {
  attempt: AttemptRow;
  judgement: Judgement;
  durationMs: number;
}

/** Sends one delivery once: signs, posts, judges the answer. */
export class DeliveryTry {
  constructor(private readonly options: DeliveryTryOptions) {}

  /**
   * @param atMostMs for callers that cannot wait as long as the endpoint may take
   * @throws SendAbortedError when `signal` fires first
   */
  async run(
    ready: ReadyDelivery,
    signal?: AbortSignal,
    atMostMs = Number.POSITIVE_INFINITY,
  ): Promise<TriedDelivery> {
    const { row, endpoint, body } = ready;
    const timeoutMs = Math.min(endpoint.row.policy?.timeoutMs ?? TRY_TIMEOUT_MS, atMostMs);
    const at = new Date();
    const number = row.n + 1;
    const attemptId = newId('atmpt');
    const traceId = row.trace ?? traceIdOf(row.msg);
    const { headers, signed } = outgoingHeaders(
      endpoint,
      { messageId: row.msg, deliveryId: row._id, attemptId, traceId, number, at, body },
      this.options.svixHeaders,
    );
    const result = await this.options.sender.send({ url: endpoint.url, headers, body, timeoutMs }, signal);
    const judgement = judgeAnswer(result, {
      tries: number - (row.base ?? 0),
      nowMs: Date.now(),
      random: (this.options.random ?? Math.random)(),
      ...(isTaken(result) ? {} : { scheduleSec: await this.options.schedules.waitsSec(row, endpoint) }),
    });
    count(row, result, judgement);
    return {
      attempt: this.#attempt(ready, result, judgement, { id: attemptId, at, signed }),
      judgement,
      durationMs: result.durationMs,
    };
  }

  #attempt(
    { row, endpoint, body, trigger }: ReadyDelivery,
    result: SendResult,
    judgement: Judgement,
    { id, at, signed }: { id: string; at: Date; signed: string },
  ): AttemptRow {
    return {
      _id: id,
      dlv: row._id,
      n: row.n + 1,
      msg: row.msg,
      app: row.app,
      ep: row.ep,
      type: row.type,
      k: attemptFacets(row, result.code),
      url: endpoint.row.url,
      ok: judgement.state === 'delivered',
      code: result.code,
      errorCode: judgement.errorCode,
      error: result.error,
      at,
      durationMs: result.durationMs,
      sinceAcceptMs: Math.max(0, at.getTime() + result.durationMs - row.at.getTime()),
      bytes: body.length,
      ip: result.ip,
      response: result.response,
      ...endpoint.shown,
      sig: signed,
      by: VERSION,
      ...answerHeaders(result.headers),
      ...(row.trace === undefined ? {} : { trace: row.trace }),
      trigger,
      outcome: judgement.state,
      why: judgement.reason,
      nextAt: judgement.nextAt,
      worker: this.options.worker,
    };
  }
}

function count(row: DeliveryRow, result: SendResult, judgement: Judgement): void {
  const kind = result.errorCode ?? `${Math.floor(result.code / 100)}xx`;
  webhookMetrics.attempts.inc({ class: kind });
  if (judgement.state === 'retrying') webhookMetrics.retried.inc();
  if (judgement.state !== 'delivered') return;
  webhookMetrics.delivered.inc();
  if (row.n === 0) webhookMetrics.endToEndSeconds.observe((Date.now() - row.at.getTime()) / 1000);
}
