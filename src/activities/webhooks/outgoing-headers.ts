import { signature } from '../../domain/webhooks/signature.js';
import { VERSION } from '../../platform/version.js';
import type { PreparedEndpoint } from './prepared-endpoints.js';

/** One try as its headers tell it. */
export interface OutgoingTry {
  messageId: string;
  deliveryId: string;
  /** 1 for the first try. */
  number: number;
  at: Date;
  body: Uint8Array;
}

/** The headers of a try: the endpoint's own first, ours over them (Standard Webhooks names, `svix-*` aliases). */
export function outgoingHeaders(
  endpoint: PreparedEndpoint,
  { messageId, deliveryId, number, at, body }: OutgoingTry,
  svixAliases: boolean,
): Record<string, string> {
  const timestamp = Math.floor(at.getTime() / 1000);
  const live = endpoint.keys.filter(({ until }) => until === null || until > at).map(({ key }) => key);
  const signed = signature(live, messageId, timestamp, body);
  const headers: Record<string, string> = {
    ...endpoint.headers,
    'content-type': 'application/json',
    'accept-encoding': 'identity',
    'user-agent': `Holdfast-Webhooks/${VERSION}`,
    'webhook-id': messageId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signed,
    'webhook-delivery-id': deliveryId,
    'webhook-attempt': String(number),
  };
  if (!svixAliases) return headers;
  headers['svix-id'] = messageId;
  headers['svix-timestamp'] = String(timestamp);
  headers['svix-signature'] = signed;
  return headers;
}
