import { signature } from '../../domain/webhooks/signature.js';
import { VERSION } from '../../platform/version.js';
import type { PreparedEndpoint } from './prepared-endpoint.js';

/** What is signed: the value of `webhook-id`, the time of this try and the body. */
export interface Signed {
  id: string;
  at: Date;
  body: Uint8Array;
}

/**
 * The headers of a try: the endpoint's own first, ours over them (Standard Webhooks names, `svix-*` aliases).
 * @param own ours, made from the signature
 */
export function signedHeaders(
  endpoint: PreparedEndpoint,
  { id, at, body }: Signed,
  own: (by: { signature: string; version: string }) => Record<string, string>,
  svixAliases: boolean,
): { headers: Record<string, string>; signed: string } {
  const live = endpoint.keys.filter(({ until }) => until === null || until > at).map(({ key }) => key);
  const signed = signature(live, id, Math.floor(at.getTime() / 1000), body);
  const ours = own({ signature: signed, version: VERSION });
  const headers: Record<string, string> = { ...endpoint.headers, ...ours };
  if (svixAliases) {
    headers['svix-id'] = id;
    headers['svix-timestamp'] = ours['webhook-timestamp']!;
    headers['svix-signature'] = signed;
  }
  return { headers, signed };
}
