import type { AttemptTrigger } from '../../contracts/webhooks/delivery.js';
import { isTaken, judgeAnswer } from '../../domain/webhooks/answer.js';
import type { Judgement } from '../../domain/webhooks/answer.js';
import { newId } from '../../platform/ids.js';
import { webhookMetrics } from '../../platform/metrics.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { HttpSender, SendResult } from './http-sender.js';
import { TRY_TIMEOUT_MS } from './http-sender.js';
import { outgoingHeaders } from './outgoing-headers.js';
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
    const headers = outgoingHeaders(
      endpoint,
      { messageId: row.msg, deliveryId: row._id, number, at, body },
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
      attempt: this.#attempt(ready, result, judgement, at),
      judgement,
      durationMs: result.durationMs,
    };
  }

  #attempt(ready: ReadyDelivery, result: SendResult, judgement: Judgement, at: Date): AttemptRow {
    const { row, endpoint, trigger } = ready;
    return {
      _id: newId('atmpt'),
      dlv: row._id,
      n: row.n + 1,
      msg: row.msg,
      app: row.app,
      ep: row.ep,
      type: row.type,
      channels: row.channels,
      tags: row.tags,
      url: endpoint.row.url,
      ok: judgement.state === 'delivered',
      code: result.code,
      errorCode: judgement.errorCode,
      error: result.error,
      at,
      durationMs: result.durationMs,
      ip: result.ip,
      response: result.response,
      trigger,
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
