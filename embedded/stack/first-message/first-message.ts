import type { ApiClient } from './api-client.js';
import type { Receiver } from './receiver.js';

const APP = 'first-app';
const ENDPOINT = 'first-endpoint';
const ARRIVAL_TIMEOUT_MS = 30_000;
const PAGE = 250;

export interface FirstMessage {
  messageId: string;
  /** From the moment the API was asked to the moment the receiver had it. */
  ms: number;
  /** Messages of the first application that were there before; PAGE means that many or more. */
  earlier: number;
}

/**
 * Sends one message through everything: API, store, workflow, worker, signature, receiver. The application and the
 * endpoint are the same at each start; the endpoint moves to where this start's receiver listens.
 */
export async function deliverFirstMessage(api: ApiClient, receiver: Receiver): Promise<FirstMessage> {
  await api.post('/app?get_if_exists=true', { name: 'First application', uid: APP });
  const endpoint = { url: receiver.url, uid: ENDPOINT, description: 'Built-in receiver of npm start' };
  await api.put(`/app/${APP}/endpoint/${ENDPOINT}`, endpoint);
  receiver.secret = (await api.get<{ key: string }>(`/app/${APP}/endpoint/${ENDPOINT}/secret`)).key;
  const { data } = await api.get<{ data: unknown[] }>(`/app/${APP}/msg?limit=${PAGE}`);
  const started = Date.now();
  const { id } = await api.post<{ id: string }>(`/app/${APP}/msg`, {
    eventType: 'work_order.created',
    payload: { id: `WO-${1000 + data.length}`, title: 'Inspect pump P-101', priority: 'high' },
  });
  await receiver.arrivalOf(id, ARRIVAL_TIMEOUT_MS);
  return { messageId: id, ms: Date.now() - started, earlier: data.length };
}

/** How many messages there are, in words that stay true at the end of a page. */
export function describeEarlier(count: number): string {
  if (count >= PAGE) return `${PAGE} or more messages`;
  return count === 1 ? '1 message' : `${count} messages`;
}

/** A command to paste: it sends another message to the same receiver. */
export function curlExample(apiUrl: string, apiKey: string): string {
  const body = JSON.stringify({ eventType: 'work_order.created', payload: { id: 'WO-2001' } });
  return [
    `curl -sS ${apiUrl}/api/v1/app/${APP}/msg`,
    `-H 'authorization: Bearer ${apiKey}'`,
    `-H 'content-type: application/json'`,
    `-d '${body}'`,
  ].join(' \\\n    ');
}
