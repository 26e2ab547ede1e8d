/** Where a delivery stands. "sending" exists in memory only: a row is never parked in it. */
export type DeliveryState =
  'pending' | 'retrying' | 'held' | 'delivered' | 'exhausted' | 'canceled' | 'expired';

/** What a try can make of its delivery. */
export type TriedState = Extract<DeliveryState, 'delivered' | 'retrying' | 'exhausted' | 'canceled'>;

/** The states of a delivery that is not finished: exactly these rows carry a due time (`q`). */
export const OPEN_STATES: readonly DeliveryState[] = ['pending', 'retrying', 'held'];

/** Why a try failed when there was no HTTP answer to judge. */
export type AttemptErrorCode =
  | 'timeout'
  | 'dns_error'
  | 'tls_error'
  | 'connection_refused'
  | 'connection_reset'
  | 'forbidden_address'
  | 'invalid_response'
  | 'transform_error'
  | 'proxy_error'
  | 'oauth_error'
  | 'redirect';

export type AttemptTrigger = 'scheduled' | 'manual';

/** The lane of deliveries whose next try is owned by a `webhookRetry` workflow. */
export const RETRY_LANE = 'retry';
/** How long after its due time a retry that a workflow owns counts as forgotten. */
export const RETRY_GRACE_MS = 120_000;

/** Why a delivery is held that was given up but keeps those behind it in order. */
export const ORDER_HELD = 'order_held';
/** Why a delivery waits that was on its way when its lane changed hands. */
export const IN_FLIGHT = 'in_flight';

/** Task queues of the webhook workers. */
export const WEBHOOK_QUEUES = {
  dispatch: 'webhooks',
  retry: 'webhooks-retry',
  control: 'webhooks-control',
} as const;

/** An endpoint a message was not sent to, and the rule that said so. */
export interface SkippedTarget {
  e: string;
  why: 'event_type' | 'channel' | 'filter' | 'disabled';
}
