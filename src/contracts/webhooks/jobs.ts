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
