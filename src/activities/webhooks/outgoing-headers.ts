import { ownHeaders } from '../../domain/webhooks/own-headers.js';
import { signature } from '../../domain/webhooks/signature.js';
import { VERSION } from '../../platform/version.js';
import type { PreparedEndpoint } from './prepared-endpoints.js';

/** One try as its headers tell it. */
export interface OutgoingTry {
  messageId: string;
  deliveryId: string;
  attemptId: string;
  traceId: string;
  /** 1 for the first try. */
  number: number;
  at: Date;
  body: Uint8Array;
}

/** The headers of a try: the endpoint's own first, ours over them (Standard Webhooks names, `svix-*` aliases). */
export function outgoingHeaders(
  endpoint: PreparedEndpoint,
  outgoing: OutgoingTry,
  svixAliases: boolean,
): { headers: Record<string, string>; signed: string } {
  const { messageId, at, body } = outgoing;
  const live = endpoint.keys.filter(({ until }) => until === null || until > at).map(({ key }) => key);
  const signed = signature(live, messageId, Math.floor(at.getTime() / 1000), body);
  const own = ownHeaders({ ...outgoing, signature: signed, version: VERSION });
  const headers: Record<string, string> = { ...endpoint.headers, ...own };
  if (svixAliases) {
    headers['svix-id'] = messageId;
    headers['svix-timestamp'] = own['webhook-timestamp']!;
    headers['svix-signature'] = signed;
  }
  return { headers, signed };
}
