/** The workflows of the webhook capability as their callers know them: type names, ids, inputs. */

export const DISPATCHER_WORKFLOW = 'webhookDispatcher';
export const RETRY_WORKFLOW = 'webhookRetry';
export const SEND_WORKFLOW = 'webhookSend';
export const SWEEPER_WORKFLOW = 'webhookSweeper';

export const dispatcherId = (lane: string): string => `${DISPATCHER_WORKFLOW}/${lane}`;
export const retryId = (deliveryId: string): string => `${RETRY_WORKFLOW}/${deliveryId}`;
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
}

/** Why a dispatcher is woken. */
export interface WakeReason {
  /** The lane's owner that stopped showing life: the round it ran is given up and another one started. */
  deadOwner?: string;
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
