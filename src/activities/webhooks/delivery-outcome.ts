import type { Judgement } from '../../domain/webhooks/answer.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { DeliveryChange } from '../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { ReadyDelivery, TriedDelivery } from './delivery-try.js';
import type { PreparedEndpoint } from './prepared-endpoints.js';

/** Everything to write after a delivery was tried, or found to need no try. */
export interface DeliveryOutcome {
  row: DeliveryRow;
  endpoint: PreparedEndpoint | null;
  /** Null when nothing was sent. */
  attempt: AttemptRow | null;
  judgement: Judgement | null;
  change: DeliveryChange;
  /** Whether losing the write in a crash would do more harm than one repeated try. */
  durable: boolean;
}

/** The outcome of a try. @param q where the delivery waits next; null when it is finished */
export function triedOutcome(
  { row, endpoint, stored }: ReadyDelivery,
  { attempt, judgement }: TriedDelivery,
  q: DeliveryChange['q'],
): DeliveryOutcome {
  const set = {
    state: judgement.state,
    reason: judgement.reason,
    n: attempt.n,
    firstAt: row.firstAt ?? attempt.at,
    lastAt: attempt.at,
    lastCode: attempt.code,
  };
  const staysInLane = q !== null && q.l === row.q?.l;
  const durable = judgement.state !== 'delivered' && !staysInLane;
  return { row, endpoint, attempt, judgement, change: changeOf(row, stored, set, q), durable };
}

/** The outcome of a delivery that ends or waits without a try. */
export function untriedOutcome(
  row: DeliveryRow,
  state: 'canceled' | 'expired' | 'held',
  reason: string,
  { q = null, stored = true }: { q?: DeliveryChange['q']; stored?: boolean } = {},
): DeliveryOutcome {
  const change = changeOf(row, stored, { state, reason }, q);
  return { row, endpoint: null, attempt: null, judgement: null, change, durable: true };
}

function changeOf(
  row: DeliveryRow,
  stored: boolean,
  set: DeliveryChange['set'],
  q: DeliveryChange['q'],
): DeliveryChange {
  return { _id: row._id, rev: row.rev, set, q, ...(stored ? {} : { orInsert: row }) };
}
