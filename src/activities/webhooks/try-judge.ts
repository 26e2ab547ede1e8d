import { isTaken, judgeAnswer } from '../../domain/webhooks/answer.js';
import type { Judgement } from '../../domain/webhooks/answer.js';
import { attemptFacets } from '../../domain/webhooks/facets.js';
import { webhookMetrics } from '../../platform/metrics.js';
import { VERSION } from '../../platform/version.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { SendResult } from './http-sender.js';
import type { ReadyDelivery, TriedDelivery } from './ready-delivery.js';
import type { RetrySchedules } from './retry-schedules.js';
import { answerHeaders } from './shown-headers.js';
import type { ShownHeaders } from './shown-headers.js';

export interface TryJudgeOptions {
  /** Names this process in attempts. */
  worker: string;
  schedules: RetrySchedules;
  random?: () => number;
}

/** What was sent for a delivery. */
export interface SentTry {
  /** Of the attempt. */
  id: string;
  at: Date;
  /** Length of what was sent for this delivery. */
  bytes: number;
  signed: string;
  shown?: ShownHeaders;
  batch?: AttemptRow['batch'];
}

/** Says what an answer means for a delivery, and what is kept of the try. */
export class TryJudge {
  constructor(private readonly options: TryJudgeOptions) {}

  async judge(ready: ReadyDelivery, result: SendResult, sent: SentTry): Promise<TriedDelivery> {
    const { row, endpoint } = ready;
    const { random, schedules } = this.options;
    const judgement = judgeAnswer(result, {
      tries: row.n + 1 - (row.base ?? 0),
      nowMs: Date.now(),
      random: (random ?? Math.random)(),
      ...(isTaken(result) ? {} : { scheduleSec: await schedules.waitsSec(row, endpoint) }),
    });
    count(row, result, judgement);
    const { durationMs } = result;
    return { attempt: this.#attempt(ready, result, judgement, sent), judgement, durationMs };
  }

  #attempt(
    { row, endpoint, trigger }: ReadyDelivery,
    result: SendResult,
    judgement: Judgement,
    { id, at, bytes, signed, shown, batch }: SentTry,
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
      bytes,
      ip: result.ip,
      response: result.response,
      ...(shown ?? endpoint.shown),
      sig: signed,
      by: VERSION,
      ...answerHeaders(result.headers),
      ...(row.trace === undefined ? {} : { trace: row.trace }),
      ...(batch === undefined ? {} : { batch }),
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
