import { traceIdOf, traceparent } from '../trace.js';

/** What the headers that Holdfast itself sets are made from: all of it stands in the attempt. */
export interface OwnHeadersSource {
  messageId: string;
  deliveryId: string;
  attemptId: string;
  traceId: string;
  /** 1 for the first try. */
  number: number;
  at: Date;
  signature: string;
  version: string;
}

/** The headers that every try carries, so that an attempt can tell what it sent without storing it. */
export const ownHeaders = (source: OwnHeadersSource): Record<string, string> => ({
  'content-type': 'application/json',
  'accept-encoding': 'identity',
  'user-agent': `Holdfast-Webhooks/${source.version}`,
  'webhook-id': source.messageId,
  'webhook-timestamp': String(Math.floor(source.at.getTime() / 1000)),
  'webhook-signature': source.signature,
  'webhook-delivery-id': source.deliveryId,
  'webhook-attempt': String(source.number),
  traceparent: traceparent(source.traceId, source.attemptId),
});

/** The same for a request that brings several deliveries: what is about one of them is left out. */
export function ownBatchHeaders({
  batchId,
  ...source
}: { batchId: string } & Pick<OwnHeadersSource, 'at' | 'signature' | 'version'>): Record<string, string> {
  const about = { messageId: batchId, attemptId: batchId, traceId: traceIdOf(batchId) };
  const headers = ownHeaders({ ...source, ...about, deliveryId: '', number: 1 });
  delete headers['webhook-delivery-id'];
  delete headers['webhook-attempt'];
  return headers;
}
