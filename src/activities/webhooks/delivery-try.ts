import type { AttemptTrigger } from '../../contracts/webhooks/delivery.js';
import { isTaken, judgeAnswer } from '../../domain/webhooks/answer.js';
import type { Judgement } from '../../domain/webhooks/answer.js';
import { attemptFacets } from '../../domain/webhooks/facets.js';
import { traceIdOf } from '../../domain/trace.js';
import { crashPoint } from '../../platform/crash-point.js';
import { newId } from '../../platform/ids.js';
import { webhookMetrics } from '../../platform/metrics.js';
import type { ExpressionSandbox } from '../../platform/expression/expression-sandbox.js';
import { VERSION } from '../../platform/version.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { HttpSender, SendResult } from './http-sender.js';
import { NO_ANSWER, TRY_TIMEOUT_MS } from './http-sender.js';
import { outgoingHeaders } from './outgoing-headers.js';
import { answerHeaders, shownHeaders } from './shown-headers.js';
import type { ShownHeaders } from './shown-headers.js';
import type { PreparedEndpoint } from './prepared-endpoints.js';
import type { RetrySchedules } from './retry-schedules.js';
import { transformedRequest } from './transformed-request.js';

export interface DeliveryTryOptions {
  sender: HttpSender;
  sandbox: ExpressionSandbox;
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
    const { row, endpoint } = ready;
    const number = row.n + 1;
    const request = await transformedRequest(ready, this.options.sandbox);
    const about = { id: newId('atmpt'), at: new Date(), body: request.body };
    const { result, ...sent } =
      'fault' in request
        ? { result: notSent(request.fault), signed: '' }
        : await this.#send(ready, request, about, atMostMs, signal);
    const judgement = judgeAnswer(result, {
      tries: number - (row.base ?? 0),
      nowMs: Date.now(),
      random: (this.options.random ?? Math.random)(),
      ...(isTaken(result) ? {} : { scheduleSec: await this.options.schedules.waitsSec(row, endpoint) }),
    });
    count(row, result, judgement);
    return {
      attempt: this.#attempt(ready, result, judgement, { ...about, ...sent }),
      judgement,
      durationMs: result.durationMs,
    };
  }

  async #send(
    { row, endpoint }: ReadyDelivery,
    { body, headers: added }: { body: Uint8Array; headers: Record<string, string> },
    { id: attemptId, at }: AboutTry,
    atMostMs: number,
    signal?: AbortSignal,
  ): Promise<{ result: SendResult; signed: string; shown?: ShownHeaders }> {
    const timeoutMs = Math.min(endpoint.row.policy?.timeoutMs ?? TRY_TIMEOUT_MS, atMostMs);
    const traceId = row.trace ?? traceIdOf(row.msg);
    const isAdded = Object.keys(added).length > 0;
    const sender = isAdded ? { ...endpoint, headers: { ...endpoint.headers, ...added } } : endpoint;
    const { headers, signed } = outgoingHeaders(
      sender,
      { messageId: row.msg, deliveryId: row._id, attemptId, traceId, number: row.n + 1, at, body },
      this.options.svixHeaders,
    );
    const { url, tls } = endpoint;
    const result = await this.options.sender.send({ url, tls, headers, body, timeoutMs }, signal);
    crashPoint('receiver_answered');
    return { result, signed, ...(isAdded ? { shown: shownHeaders(sender.headers) } : {}) };
  }

  #attempt(
    { row, endpoint, trigger }: ReadyDelivery,
    result: SendResult,
    judgement: Judgement,
    { id, at, body, signed, shown }: AboutTry & { signed: string; shown?: ShownHeaders },
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
      ...(shown ?? endpoint.shown),
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

interface AboutTry {
  id: string;
  at: Date;
  body: Uint8Array;
}

const notSent = (error: string): SendResult => ({
  ...NO_ANSWER,
  errorCode: 'transform_error',
  error,
  ip: null,
  durationMs: 0,
});

function count(row: DeliveryRow, result: SendResult, judgement: Judgement): void {
  const kind = result.errorCode ?? `${Math.floor(result.code / 100)}xx`;
  webhookMetrics.attempts.inc({ class: kind });
  if (judgement.state === 'retrying') webhookMetrics.retried.inc();
  if (judgement.state !== 'delivered') return;
  webhookMetrics.delivered.inc();
  if (row.n === 0) webhookMetrics.endToEndSeconds.observe((Date.now() - row.at.getTime()) / 1000);
}
