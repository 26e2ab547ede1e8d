import { batchBody, batchItem } from '../../domain/webhooks/batch-body.js';
import { ownHeaders } from '../../domain/webhooks/own-headers.js';
import { traceIdOf } from '../../domain/trace.js';
import { crashPoint } from '../../platform/crash-point.js';
import { newId } from '../../platform/ids.js';
import type { ExpressionSandbox } from '../../platform/expression/expression-sandbox.js';
import type { SendResult } from './http-sender.js';
import { NO_ANSWER, TRY_TIMEOUT_MS } from './http-sender.js';
import type { AuthorizedSender } from './oauth/authorized-sender.js';
import { signedHeaders } from './outgoing-headers.js';
import { tokenHeader } from './prepared-endpoint.js';
import type { ReadyDelivery, TriedDelivery } from './ready-delivery.js';
import { shownHeaders } from './shown-headers.js';
import { transformedRequest } from './transformed-request.js';
import type { TransformedRequest, UnfailedRequest } from './transformed-request.js';
import { TryJudge } from './try-judge.js';
import type { SentTry, TryJudgeOptions } from './try-judge.js';

export interface DeliveryTryOptions extends TryJudgeOptions {
  sender: AuthorizedSender;
  sandbox: ExpressionSandbox;
  svixHeaders: boolean;
}

/** Sends one delivery once: signs, posts, judges the answer. */
export class DeliveryTry {
  readonly #judge: TryJudge;

  constructor(private readonly options: DeliveryTryOptions) {
    this.#judge = new TryJudge(options);
  }

  /**
   * @param atMostMs for callers that cannot wait as long as the endpoint may take
   * @throws SendAbortedError when `signal` fires first
   */
  async run(ready: ReadyDelivery, signal?: AbortSignal, atMostMs?: number): Promise<TriedDelivery> {
    const request = await transformedRequest(ready, this.options.sandbox);
    return this.send(ready, request, signal, atMostMs);
  }

  /** The same for what is already transformed. */
  async send(
    ready: ReadyDelivery,
    request: TransformedRequest,
    signal?: AbortSignal,
    atMostMs = Number.POSITIVE_INFINITY,
  ): Promise<TriedDelivery> {
    const about = { id: newId('atmpt'), at: new Date() };
    if ('fault' in request) {
      const sent = { ...about, bytes: request.body.length, signed: '' };
      return this.#judge.judge(ready, notSent(request.fault), sent);
    }
    const { result, ...sent } = await this.#post(ready, request, about, atMostMs, signal);
    return this.#judge.judge(ready, result, { ...about, ...sent });
  }

  async #post(
    ready: ReadyDelivery,
    { body: payload, headers: added }: UnfailedRequest,
    { id: attemptId, at }: Pick<SentTry, 'id' | 'at'>,
    atMostMs: number,
    signal?: AbortSignal,
  ): Promise<Omit<SentTry, 'id' | 'at'> & { result: SendResult }> {
    const { row, endpoint } = ready;
    const { url, tls, oauth } = endpoint;
    const timeoutMs = Math.min(endpoint.row.policy?.timeoutMs ?? TRY_TIMEOUT_MS, atMostMs);
    const traceId = row.trace ?? traceIdOf(row.msg);
    const isAdded = Object.keys(added).length > 0;
    const sender = isAdded ? { ...endpoint, headers: { ...endpoint.headers, ...added } } : endpoint;
    // An endpoint that takes messages together gets an array each time, also of one.
    const isArray = endpoint.row.policy?.batch != null;
    const body = isArray ? batchBody([batchItem(itemOf(ready), payload)]) : payload;
    const about = { messageId: row.msg, deliveryId: row._id, attemptId, traceId, number: row.n + 1, at };
    const { headers, signed } = signedHeaders(
      sender,
      { id: row.msg, at, body },
      (by) => ownHeaders({ ...about, ...by }),
      this.options.svixHeaders,
    );
    const result = await this.options.sender.send({ url, tls, oauth, headers, body, timeoutMs }, signal);
    crashPoint('receiver_answered');
    const shown = isAdded ? { shown: shownHeaders({ ...sender.headers, ...tokenHeader(oauth) }) } : {};
    return { result, bytes: body.length, signed, ...shown };
  }
}

/** What the body of a batch says of a delivery. */
export const itemOf = ({ row: { msg, type, at } }: ReadyDelivery) => ({ id: msg, type, at });

const notSent = (error: string): SendResult => ({
  ...NO_ANSWER,
  errorCode: 'transform_error',
  error,
  ip: null,
  durationMs: 0,
});
