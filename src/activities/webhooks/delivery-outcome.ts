import type { Judgement } from '../../domain/webhooks/answer.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import { ORDER_HELD } from '../../contracts/webhooks/delivery.js';
import { FAILING_TRIES, OPERATIONAL_APP } from '../../contracts/webhooks/operational-event.js';
import type { OperationalEventType } from '../../contracts/webhooks/operational-event.js';
import type { DeliveryChange } from '../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import { newOutboxEvent } from '../../store/webhooks/operational/outbox.js';
import type { ReadyDelivery, TriedDelivery } from './ready-delivery.js';
import type { PreparedEndpoint } from './prepared-endpoint.js';

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
  /** The try asked whether an endpoint that is down is back. */
  isProbe?: boolean;
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
    ...(judgement.isTry ? {} : { base: (row.base ?? 0) + 1 }),
  };
  const staysInLane = q !== null && q.l === row.q?.l;
  const event = eventOf(row, attempt, judgement);
  const told = event === null ? {} : { told: !attempt.ok };
  const change = changeOf(row, stored, { ...set, ...told }, q);
  if (event !== null) change.event = newOutboxEvent(event, { attempt: attempt._id }, attempt.at);
  const durable = event !== null || (judgement.state !== 'delivered' && !staysInLane);
  return { row, endpoint, attempt, judgement, change, durable };
}

/** What the owner is told of a try: the fourth that fails, the last one, and one that is taken after either. */
function eventOf(row: DeliveryRow, attempt: AttemptRow, { state }: Judgement): OperationalEventType | null {
  if (row.app === OPERATIONAL_APP) return null;
  if (state === 'delivered') return row.told === true ? 'message.attempt.recovered' : null;
  if (state === 'exhausted') return 'message.attempt.exhausted';
  return attempt.n - (row.base ?? 0) === FAILING_TRIES ? 'message.attempt.failing' : null;
}

/** What a delivery waits for that holds an order although no try is left; it ends when somebody ends it. */
const NEVER = new Date('9999-12-31T00:00:00Z');

/** The outcome of a last try that failed, where those behind it must not go before it was taken. */
export function orderHeldOutcome(outcome: DeliveryOutcome, lane: string): DeliveryOutcome {
  const { change } = outcome;
  const set = { ...change.set, state: 'held' as const, reason: ORDER_HELD };
  return { ...outcome, change: { ...change, set, q: { l: lane, at: NEVER } }, durable: true };
}

/** The outcome of a try that only asked whether the endpoint is back, and it is not: it used up no try. */
export function probedOutcome(ready: ReadyDelivery, tried: TriedDelivery, lane: string): DeliveryOutcome {
  const { row } = ready;
  const outcome = triedOutcome(ready, tried, { l: lane, at: row.q?.at ?? row.at });
  delete outcome.change.event;
  delete outcome.change.set.told;
  Object.assign(outcome.change.set, { state: 'held', reason: 'breaker_open', base: (row.base ?? 0) + 1 });
  return { ...outcome, durable: true, isProbe: true };
}

/** The outcome of a delivery that waits in a lane that is no longer its endpoint's. */
export function movedOutcome(row: DeliveryRow, lane: string, stored: boolean): DeliveryOutcome {
  const q = { l: lane, at: row.q?.at ?? new Date() };
  return {
    row,
    endpoint: null,
    attempt: null,
    judgement: null,
    change: changeOf(row, stored, {}, q),
    durable: true,
  };
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
