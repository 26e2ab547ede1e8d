import type { BatchPolicy } from '../../../contracts/webhooks/endpoint-policy.js';
import { batchBody, batchItem, MAX_BATCH_BYTES } from '../../../domain/webhooks/batch-body.js';
import { ownBatchHeaders } from '../../../domain/webhooks/own-headers.js';
import { crashPoint } from '../../../platform/crash-point.js';
import { batchId, newId } from '../../../platform/ids.js';
import { itemOf } from '../delivery-try.js';
import type { DeliveryTry, DeliveryTryOptions } from '../delivery-try.js';
import { TRY_TIMEOUT_MS } from '../http-sender.js';
import { signedHeaders } from '../outgoing-headers.js';
import { tokenHeader } from '../prepared-endpoint.js';
import type { ReadyDelivery, TriedDelivery } from '../ready-delivery.js';
import { shownHeaders } from '../shown-headers.js';
import { transformedRequest } from '../transformed-request.js';
import type { UnfailedRequest } from '../transformed-request.js';
import { TryJudge } from '../try-judge.js';

export interface Tried {
  delivery: ReadyDelivery;
  tried: TriedDelivery;
}

/** What became of deliveries that were to go together. */
export interface TriedBatch {
  /** Those of the request; its answer is the same for all. */
  sent: Tried[];
  /** Those whose transformation failed. */
  faulty: Tried[];
}

interface Item {
  delivery: ReadyDelivery;
  request: UnfailedRequest;
  text: Buffer;
}

/** How a delivery may go together with others: at its first try only. A message that spoils a batch must not spoil another. */
export function batchOf({ row, endpoint }: ReadyDelivery): BatchPolicy | null {
  const batch = endpoint.row.policy?.batch;
  return batch == null || row.n > (row.base ?? 0) ? null : batch;
}

/** Sends several deliveries of one endpoint in one request. */
export class BatchTry {
  readonly #judge: TryJudge;

  constructor(
    private readonly options: DeliveryTryOptions,
    private readonly tries: DeliveryTry,
  ) {
    this.#judge = new TryJudge(options);
  }

  /**
   * @param stepBack called before anything is sent with those that do not go in this request after all
   * @throws SendAbortedError when `signal` fires first
   */
  async run(
    deliveries: readonly ReadyDelivery[],
    stepBack: (deliveries: ReadyDelivery[]) => void,
    signal?: AbortSignal,
  ): Promise<TriedBatch> {
    const items: Item[] = [];
    const faulty: Tried[] = [];
    let tried = 0;
    for (const delivery of deliveries) {
      if (delivery.endpoint !== deliveries[0]!.endpoint) break;
      const request = await transformedRequest(delivery, this.options.sandbox);
      if ('fault' in request) {
        faulty.push({ delivery, tried: await this.tries.send(delivery, request) });
        tried += 1;
        // What keeps an order must not go past one that failed.
        if (delivery.row.fk !== undefined) break;
      } else if (!addItem(items, delivery, request)) break;
      else tried += 1;
    }
    if (tried < deliveries.length) stepBack(deliveries.slice(tried));
    return { sent: await this.#send(items, signal), faulty };
  }

  async #send(items: readonly Item[], signal?: AbortSignal): Promise<Tried[]> {
    const [first] = items;
    if (first === undefined) return [];
    const { delivery, request } = first;
    if (items.length === 1) {
      return [{ delivery, tried: await this.tries.send(delivery, request, signal) }];
    }
    return this.#sendTogether(items, delivery, request.headers, signal);
  }

  async #sendTogether(
    items: readonly Item[],
    { endpoint }: ReadyDelivery,
    added: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Tried[]> {
    const at = new Date();
    const id = batchId(items.map(({ delivery }) => delivery.row.msg));
    const body = batchBody(items.map(({ text }) => text));
    const sender = { ...endpoint, headers: { ...endpoint.headers, ...added } };
    const { headers, signed } = signedHeaders(
      sender,
      { id, at, body },
      (by) => ownBatchHeaders({ batchId: id, at, ...by }),
      this.options.svixHeaders,
    );
    const timeoutMs = endpoint.row.policy?.timeoutMs ?? TRY_TIMEOUT_MS;
    const { url, tls, oauth } = endpoint;
    const result = await this.options.sender.send({ url, tls, oauth, headers, body, timeoutMs }, signal);
    crashPoint('receiver_answered');
    const shown = shownHeaders({ ...sender.headers, ...tokenHeader(oauth) });
    const about = { at, signed, shown, batch: { id, items: items.length } };
    const judged = items.map(async ({ delivery, text }) => {
      const sent = { ...about, id: newId('atmpt'), bytes: text.length };
      return { delivery, tried: await this.#judge.judge(delivery, result, sent) };
    });
    return Promise.all(judged);
  }
}

/** False when it does not go in the same request: it would be too long, or has headers of its own. */
function addItem(items: Item[], delivery: ReadyDelivery, request: UnfailedRequest): boolean {
  const text = batchItem(itemOf(delivery), request.body);
  const length = items.reduce((sum, item) => sum + item.text.length + 1, 2 + text.length);
  const isFirst = items.length === 0;
  if (!isFirst && (length > MAX_BATCH_BYTES || !hasSameHeaders(items[0]!.request, request))) return false;
  items.push({ delivery, request, text });
  return true;
}

function hasSameHeaders({ headers: a }: UnfailedRequest, { headers: b }: UnfailedRequest): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
