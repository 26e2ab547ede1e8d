/** The workflows of the webhook capability as their callers know them: type names, ids, inputs. */

export const DISPATCHER_WORKFLOW = 'webhookDispatcher';
export const RETRY_WORKFLOW = 'webhookRetry';
export const SEND_WORKFLOW = 'webhookSend';
export const SWEEPER_WORKFLOW = 'webhookSweeper';
export const RECOVERY_WORKFLOW = 'endpointRecovery';

export const dispatcherId = (lane: string): string => `${DISPATCHER_WORKFLOW}/${lane}`;
export const retryId = (deliveryId: string): string => `${RETRY_WORKFLOW}/${deliveryId}`;
export const recoveryId = (endpointId: string): string => `${RECOVERY_WORKFLOW}/${endpointId}`;
/** One per request, so that a repeated request starts nothing twice. */
export const sendId = (deliveryId: string, requestId: string): string =>
  `${SEND_WORKFLOW}/${deliveryId}/${requestId}`;

/** A resend that somebody asked for. Ids only: payloads and secrets stay in the store. */
export interface WebhookSendInput {
  deliveryId: string;
  messageId: string;
  endpointId: string;
  appId: string;
  /** What an operator sees in the list, e.g. `work_order.created -> https://erp.example/hook`. */
  title: string;
  requestId: string;
}

/** What a dispatcher carries from run to run. */
export interface DispatcherInput {
  lane: string;
  /** When the dispatcher was first started, RFC 3339. */
  since?: string;
  totals?: { sent: number; ok: number; failed: number; retried: number };
  paused?: boolean;
  /** Tries at a time in the lane; the default when left out. */
  concurrency?: number;
}

/** Why a dispatcher is woken. */
export interface WakeReason {
  /** The lane's owner that stopped showing life: the round it ran is given up and another one started. */
  deadOwner?: string;
}

/** An endpoint that is down. */
export interface RecoveryInput {
  endpointId: string;
  appId: string;
  /** Since when it is down, RFC 3339. */
  since: string;
  /** How often its breaker opened without closing in between. */
  trips: number;
  /** Probes since it opened last. */
  probeNo: number;
  /** When the next probe is due, RFC 3339. */
  nextProbeAt: string;
  /** Deliveries a second when it is back; null = as fast as it takes them. */
  ratePerSec: number | null;
}

/** A delivery whose next try is far away. */
export interface RetryInput {
  deliveryId: string;
  messageId: string;
  endpointId: string;
  appId: string;
  /** Attempts made so far. */
  n: number;
  /** When the next try is due, RFC 3339. */
  nextAt: string;
}
