import type { Judgement } from '../../domain/webhooks/answer.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import type { DeliveryChange } from '../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
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
  row: DeliveryRow,
  endpoint: PreparedEndpoint,
  attempt: AttemptRow,
  judgement: Judgement,
  q: DeliveryChange['q'],
): DeliveryOutcome {
  const { _id, rev } = row;
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
  return { row, endpoint, attempt, judgement, change: { _id, rev, set, q }, durable };
}

/** The outcome of a delivery that ends or waits without a try. */
export function untriedOutcome(
  row: DeliveryRow,
  state: 'canceled' | 'expired' | 'held',
  reason: string,
  q: DeliveryChange['q'] = null,
): DeliveryOutcome {
  const change = { _id: row._id, rev: row.rev, set: { state, reason }, q };
  return { row, endpoint: null, attempt: null, judgement: null, change, durable: true };
}
