import { z } from 'zod';
import { attemptOut, MESSAGE_STATUS } from './attempt.js';
import { endpointOut } from './endpoint.js';
import { isWindow, messageFilters, messageOut } from './message.js';
import { reference } from './names.js';
import { commaList, pageQuery, queryDate, queryFlag } from './page.js';
import type { DeliveryState } from './delivery.js';

export const DELIVERY_STATES = [
  'pending',
  'retrying',
  'held',
  'delivered',
  'exhausted',
  'canceled',
  'expired',
] as const satisfies DeliveryState[];

/** States that a delivery is in for a reason. */
export const TROUBLED_STATES: readonly DeliveryState[] = [
  'retrying',
  'held',
  'exhausted',
  'canceled',
  'expired',
];

type StatusText = keyof typeof MESSAGE_STATUS;

const STATUS_OF: Record<DeliveryState, StatusText> = {
  pending: 'pending',
  retrying: 'pending',
  held: 'pending',
  delivered: 'success',
  exhausted: 'fail',
  expired: 'fail',
  canceled: 'canceled',
};

/** The state of a delivery in the words of the compatible surface. */
export const statusOf = (state: DeliveryState): StatusText => STATUS_OF[state];

/** The states behind a status number; none for 3 (sending), which is in memory only. */
export const statesOfStatus = (status: number): DeliveryState[] =>
  DELIVERY_STATES.filter((state) => MESSAGE_STATUS[STATUS_OF[state]] === status);

const windowError = { error: 'expected before to be later than after', path: ['before'] };
const statusNumber = z.coerce.number().int().min(0).max(4, { error: 'expected 0 to 4' });
const statusFields = {
  status: z.int(),
  statusText: z.enum(['success', 'pending', 'fail', 'sending', 'canceled']),
  nextAttempt: z.iso.datetime().optional(),
};

export const endpointMessagesQuery = pageQuery('msg', 'dlv')
  .extend({ ...messageFilters, status: statusNumber.optional(), with_content: queryFlag(true) })
  .refine(isWindow, windowError);
export type EndpointMessagesQuery = z.infer<typeof endpointMessagesQuery>;

export const endpointMessageOut = messageOut.extend(statusFields);
export type EndpointMessageOut = z.infer<typeof endpointMessageOut>;

export const messageEndpointsQuery = pageQuery('ep');
export const messageEndpointOut = endpointOut.extend(statusFields);
export type MessageEndpointOut = z.infer<typeof messageEndpointOut>;

const reason = z.string().min(1).max(64).optional();
const state = z.enum(DELIVERY_STATES, { error: `expected one of ${DELIVERY_STATES.join(', ')}` });
const troubledState = z.enum(['retrying', 'held', 'exhausted', 'canceled', 'expired'], {
  error: `expected one of ${TROUBLED_STATES.join(', ')}`,
});
const deliveryFilters = { reason, before: queryDate, after: queryDate };

export const deliveryListQuery = pageQuery('dlv')
  .extend({ ...deliveryFilters, state: commaList(state), endpoint_id: reference.optional() })
  .refine(isWindow, windowError);
export type DeliveryListQuery = z.infer<typeof deliveryListQuery>;

/** Over all applications only what is in trouble is listed: what is retrying, unless another state is named. */
export const troubledListQuery = pageQuery('dlv')
  .extend({ ...deliveryFilters, state: commaList(troubledState) })
  .refine(isWindow, windowError);
export type TroubledListQuery = z.infer<typeof troubledListQuery>;

export const deliveryOut = z.object({
  id: z.string(),
  appId: z.string(),
  msgId: z.string(),
  endpointId: z.string(),
  eventType: z.string(),
  state: z.enum(DELIVERY_STATES),
  /** Why it ended or waits: an error code, or `http_<status>`. */
  reason: z.string().optional(),
  attempts: z.int(),
  /** When the next try is due. */
  nextAt: z.iso.datetime().optional(),
  /** Who makes it: a lane, `retry` for a workflow, or the endpoint's own lane. */
  lane: z.string().optional(),
  firstAt: z.iso.datetime().optional(),
  lastAt: z.iso.datetime().optional(),
  lastStatusCode: z.int().optional(),
  acceptedAt: z.iso.datetime(),
  /** W3C trace id, the same in each `traceparent` that was sent. */
  traceId: z.string(),
});
export type DeliveryOut = z.infer<typeof deliveryOut>;

/** One try in the history of a delivery: what it did and why the next time was chosen. */
export const deliveryTryOut = attemptOut.omit({ msg: true }).extend({
  number: z.int(),
  outcome: z.enum(['delivered', 'retrying', 'exhausted', 'canceled']),
  why: z.string().optional(),
  error: z.string().optional(),
  nextAt: z.iso.datetime().optional(),
  ip: z.string().optional(),
  /** The request that brought it together with others: its `webhook-id`, and how many. */
  batch: z.object({ id: z.string(), items: z.int() }).optional(),
  worker: z.string(),
});
export type DeliveryTryOut = z.infer<typeof deliveryTryOut>;
export const deliveryHistoryOut = deliveryOut.extend({ history: z.array(deliveryTryOut) });
export type DeliveryHistoryOut = z.infer<typeof deliveryHistoryOut>;
