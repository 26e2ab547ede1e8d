import { Webhook } from 'standardwebhooks';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

interface Receipt {
  id: string;
  repeated: boolean;
  messageId: string | null;
  reason?: string;
}
interface Source {
  accepted: number;
  repeated: number;
  refused: number;
  lastRefusal: { code: string } | null;
}

let running: RunningStack;
beforeAll(async () => {
  running = await runningStack();
}, 120_000);
afterAll(() => running?.end(), 60_000);

async function send(source: string, key: string, id: string, body: string, headers = {}) {
  const at = new Date();
  const response = await fetch(`${running.stack.apiUrl}/api/v1/inbound/${source}`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', 'webhook-id': id },
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(key).sign(id, at, body),
      ...headers,
    },
    body,
  });
  return { status: response.status, body: (await response.json()) as Receipt };
}

const secretOf = async (name: string) =>
  (await running.api.get<{ key: string }>(`/api/v1/inbound/${name}/secret`)).body.key;

describe('the inbound route', () => {
  it('takes what is signed, once, and lists it', async () => {
    const { api } = running;
    expect((await api.post('/api/v1/inbound', { name: 'erp' })).status).toBe(201);
    const key = await secretOf('erp');
    const body = '{"stock": 1.50}';
    const first = await send('erp', key, 'evt-1', body);
    expect(first).toMatchObject({ status: 200, body: { repeated: false, messageId: null } });
    const again = await send('erp', key, 'evt-1', body);
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id, repeated: true } });
    const { data } = (await api.get<{ data: unknown[] }>('/api/v1/inbound/erp/event')).body;
    expect(data).toEqual([expect.objectContaining({ webhookId: 'evt-1', payload: { stock: 1.5 } })]);
    const source = await api.get<Source>('/api/v1/inbound/erp');
    expect(source.body).toMatchObject({ accepted: 1, repeated: 1, refused: 0, lastRefusal: null });
  });

  it('refuses and counts what is not signed, too old or changed', async () => {
    const { api } = running;
    await api.post('/api/v1/inbound', { name: 'careless' });
    const key = await secretOf('careless');
    const changed = await send('careless', `whsec_${Buffer.alloc(24, 1).toString('base64')}`, 'evt-1', '{}');
    expect(changed).toMatchObject({ status: 401, body: { reason: 'no_matching_signature' } });
    const old = await send('careless', key, 'evt-1', '{}', { 'webhook-timestamp': '1600000000' });
    expect(old).toMatchObject({ status: 401, body: { reason: 'timestamp_too_old' } });
    const unsigned = await send('careless', key, 'evt-1', '{}', { 'webhook-signature': '' });
    expect(unsigned).toMatchObject({ status: 401, body: { reason: 'missing_header' } });
    const source = await api.get<Source>('/api/v1/inbound/careless');
    expect(source.body).toMatchObject({ accepted: 0, refused: 3, lastRefusal: { code: 'missing_header' } });
    expect((await api.get<{ data: unknown[] }>('/api/v1/inbound/careless/event')).body.data).toEqual([]);
    expect((await send('nobody', key, 'evt-1', '{}')).status).toBe(404);
  });

  it('makes a message of an application of an event, once, with the bytes unchanged', async () => {
    const { api, sink } = running;
    const { app } = await api.target(`${sink.url}/forwarded`);
    await api.post('/api/v1/inbound', { name: 'plant', application: app });
    const key = await secretOf('plant');
    const body = '{"type":"stock.level","level":1.50,"n":12345678901234567890}';
    const taken = await send('plant', key, 'evt-9', body);
    const again = await send('plant', key, 'evt-9', body);
    expect(again.body).toEqual({ ...taken.body, repeated: true });
    await sink.untilArrived([taken.body.messageId!], 20_000);
    const arrival = sink.arrivals.find(({ id }) => id === taken.body.messageId)!;
    expect(arrival.body.toString()).toBe(body);
    const messages = await api.get<{ data: { id: string }[] }>(`/api/v1/app/${app}/msg`);
    expect(messages.body.data.map(({ id }) => id)).toEqual([taken.body.messageId]);
    expect((await send('plant', key, 'evt-10', '{"no":"type"}')).status).toBe(422);
  });

  it('takes both secrets for a day after a new one was set, and is strict about its sources', async () => {
    const { api } = running;
    await api.post('/api/v1/inbound', { name: 'rotating' });
    const old = await secretOf('rotating');
    const secret = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
    await api.call('PATCH', '/api/v1/inbound/rotating', { body: { secret } });
    expect((await send('rotating', secret, 'evt-1', '{}')).status).toBe(200);
    expect((await send('rotating', old, 'evt-2', '{}')).status).toBe(200);
    expect((await api.post('/api/v1/inbound', { name: 'rotating' })).status).toBe(409);
    expect((await api.post('/api/v1/inbound', { name: 'Not A Name' })).status).toBe(422);
    expect((await api.post('/api/v1/inbound', { name: 'x', unknown: 1 })).status).toBe(422);
    expect((await api.post('/api/v1/inbound', { name: 'x', application: 'nobody' })).status).toBe(404);
    expect((await api.call('GET', '/api/v1/inbound', { key: null })).status).toBe(401);
    expect((await api.call('DELETE', '/api/v1/inbound/rotating')).status).toBe(204);
    expect((await send('rotating', secret, 'evt-3', '{}')).status).toBe(404);
  });
});

describe('retention of an application', () => {
  it('is read and set, and legal hold refuses to expunge', async () => {
    const { api, sink } = running;
    const { app } = await api.target(`${sink.url}/held`);
    const message = await api.post<{ id: string }>(`/api/v1/app/${app}/msg`, { eventType: 'a', payload: {} });
    const path = `/api/v1/app/${app}/retention`;
    const none = { payloadDays: null, attemptDays: null, rowDays: null, legalHold: false };
    expect((await api.get(path)).body).toEqual(none);
    expect((await api.call('PUT', path, { body: { legalHold: true, rowDays: 400 } })).status).toBe(200);
    expect((await api.get(path)).body).toEqual({ ...none, legalHold: true, rowDays: 400 });
    const content = `/api/v1/app/${app}/msg/${message.body.id}/content`;
    expect((await api.call('DELETE', content)).body).toMatchObject({ status: 409, code: 'legal_hold' });
    const bulk = await api.post(`/api/v1/app/${app}/msg/bulk-expunge`, { ids: [message.body.id] });
    expect(bulk.status).toBe(409);
    await api.call('PUT', path, { body: {} });
    expect((await api.call('DELETE', content)).status).toBe(204);
    expect((await api.call('PUT', path, { body: { payloadDays: 0 } })).status).toBe(422);
  });
});
