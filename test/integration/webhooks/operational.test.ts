import { Webhook } from 'standardwebhooks';
import { Svix } from 'svix';
import { OPERATIONAL_APP } from '../../../src/contracts/webhooks/operational-event.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import type { Arrival } from '../../support/webhook-sink.js';

interface Told {
  type: string;
  data: Record<string, unknown>;
}

let running: RunningStack;
beforeAll(async () => {
  const waits = '0.05,0.05,0.05,0.05,0.05';
  running = await runningStack({ WEBHOOK_RETRY_SCHEDULE: waits, WEBHOOK_DISABLE_AFTER_DAYS: '0' });
}, 120_000);
afterAll(() => running?.end(), 60_000);

const ROOT = '/api/v1/operational-webhook/endpoint';
const toldAt = (path: string): Arrival[] => running.sink.arrivals.filter((one) => one.path === path);
const contentOf = (arrival: Arrival) => JSON.parse(arrival.body.toString()) as Told;
const toldTypes = (path: string) => toldAt(path).map((arrival) => contentOf(arrival).type);

async function untilTold(path: string, type: string): Promise<Told> {
  const find = () => toldAt(path).find((arrival) => contentOf(arrival).type === type);
  await running.sink.until(() => find() !== undefined, 20_000, `${type} told at ${path}`);
  return contentOf(find()!);
}

describe('operational webhooks', () => {
  it('tell every change of an endpoint, signed, to the endpoints that want to hear it', async () => {
    const { api, sink } = running;
    const all = await api.post<{ id: string }>(ROOT, { url: `${sink.url}/ops-all` });
    expect(all.status).toBe(201);
    await api.post(ROOT, { url: `${sink.url}/ops-off`, eventTypes: ['endpoint.disabled'] });

    const { app, ep } = await api.target(`${sink.url}/hook`, { uid: 'erp' });
    const path = `/api/v1/app/${app}/endpoint/${ep}`;
    await api.call('PATCH', path, { body: { description: 'new words' } });
    await api.call('PATCH', path, { body: { disabled: true } });
    await api.call('PATCH', path, { body: { disabled: false } });
    await api.call('DELETE', path);

    for (const what of ['created', 'updated', 'disabled', 'enabled', 'deleted']) {
      const told = await untilTold('/ops-all', `endpoint.${what}`);
      expect(told.data).toMatchObject({ appId: app, endpointId: ep, endpointUid: 'erp' });
    }
    expect((await untilTold('/ops-off', 'endpoint.disabled')).data).toMatchObject({ trigger: 'manual' });
    expect(toldTypes('/ops-off')).toEqual(['endpoint.disabled']);

    const { body } = await api.get<{ key: string }>(`${ROOT}/${all.body.id}/secret`);
    const [arrival] = toldAt('/ops-all');
    const headers = arrival!.headers as Record<string, string>;
    expect(new Webhook(body.key).verify(arrival!.body, headers)).toMatchObject({ data: { appId: app } });
  }, 60_000);

  it('tell the fourth failure of a message, its last one, and that it was taken after all', async () => {
    const { api, sink } = running;
    await api.post(ROOT, { url: `${sink.url}/ops-tries` });
    const { app, ep } = await api.target(`${sink.url}/fails`);
    sink.answer = ({ path }, response) => void response.writeHead(path === '/fails' ? 500 : 204).end();
    const message = await api.post<{ id: string }>(`/api/v1/app/${app}/msg`, {
      ...{ eventType: 'work_order.created', eventId: 'evt-7', payload: { id: 'WO-1' } },
    });
    const about = { appId: app, msgId: message.body.id, msgEventId: 'evt-7', endpointId: ep };
    const failing = await untilTold('/ops-tries', 'message.attempt.failing');
    expect(failing.data).toMatchObject({ ...about, lastAttempt: { responseStatusCode: 500 } });
    const exhausted = await untilTold('/ops-tries', 'message.attempt.exhausted');
    expect(exhausted.data).toMatchObject(about);

    sink.take();
    await api.post(`/api/v1/app/${app}/msg/${message.body.id}/endpoint/${ep}/resend`, {});
    const recovered = await untilTold('/ops-tries', 'message.attempt.recovered');
    expect(recovered.data).toMatchObject({ ...about, lastAttempt: { responseStatusCode: 204 } });
    const ofMessages = toldTypes('/ops-tries').filter((type) => type.startsWith('message.'));
    expect(ofMessages.sort()).toEqual([
      'message.attempt.exhausted',
      'message.attempt.failing',
      'message.attempt.recovered',
    ]);
  }, 60_000);

  it('tell that a task has ended', async () => {
    const { api, sink } = running;
    await api.post(ROOT, { url: `${sink.url}/ops-tasks`, eventTypes: ['background_task.finished'] });
    const { app, ep } = await api.target(`${sink.url}/hook`);
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const task = await api.post<{ id: string }>(`/api/v1/app/${app}/endpoint/${ep}/recover`, { since });
    const told = await untilTold('/ops-tasks', 'background_task.finished');
    expect(told.data).toMatchObject({
      ...{ taskId: task.body.id, task: 'endpoint.recover', status: 'finished' },
      data: { messages_sent: 0, endp_id: ep },
    });
  }, 60_000);

  it('are never about operational endpoints, and their application cannot be seen or used', async () => {
    const { api, sink } = running;
    const own = await api.post<{ id: string }>(ROOT, { url: `${sink.url}/ops-own` });
    await api.call('PATCH', `${ROOT}/${own.body.id}`, { body: { description: 'mine' } });
    await api.call('DELETE', `${ROOT}/${own.body.id}`);
    // A change that is told proves that the ones before it are not on their way.
    const { ep } = await api.target(`${sink.url}/hook`);
    await sink.until(
      () => toldAt('/ops-all').some((arrival) => contentOf(arrival).data['endpointId'] === ep),
      20_000,
      'a later change was told',
    );
    const about = toldAt('/ops-all').map((arrival) => contentOf(arrival).data);
    expect(about.filter(({ endpointId }) => endpointId === own.body.id)).toEqual([]);
    const list = await api.get<{ data: { id: string }[] }>('/api/v1/app?limit=250');
    expect(list.body.data.map(({ id }) => id)).not.toContain(OPERATIONAL_APP);
    expect((await api.get(`/api/v1/app/${OPERATIONAL_APP}`)).status).toBe(404);
    expect((await api.get(`/api/v1/app/${OPERATIONAL_APP}/endpoint`)).status).toBe(404);
    const sent = await api.post(`/api/v1/app/${OPERATIONAL_APP}/msg`, { eventType: 'a', payload: {} });
    expect(sent.status).toBe(404);
  }, 60_000);

  it('have endpoints with the routes of the Svix API', async () => {
    const { stack, sink, api } = running;
    const svix = new Svix(stack.apiKey, { serverUrl: stack.apiUrl });
    const { endpoint } = svix.operationalWebhook;
    const made = await endpoint.create({
      url: `${sink.url}/ops-sdk`,
      uid: 'pager',
      filterTypes: [],
    } as never);
    expect(made.uid).toBe('pager');
    expect((await endpoint.get('pager')).id).toBe(made.id);
    expect((await endpoint.list()).data.map(({ id }) => id)).toContain(made.id);
    expect((await endpoint.upsert('pager', { url: `${sink.url}/ops-sdk2`, uid: 'pager' })).url).toMatch(
      /sdk2$/,
    );
    const { key } = await endpoint.getSecret('pager');
    await endpoint.rotateSecret('pager', {});
    expect((await endpoint.getSecret('pager')).key).not.toBe(key);
    await endpoint.setHeaders('pager', { headers: { 'x-team': 'ops', authorization: 'Basic xyz' } });
    const shown = await endpoint.getHeaders('pager');
    expect(shown).toEqual({ headers: { 'x-team': 'ops' }, sensitive: ['authorization'] });
    await endpoint.delete('pager');
    expect((await api.get(`${ROOT}/pager`)).status).toBe(404);
    const wrong = await api.post<{ detail: unknown }>(ROOT, {
      url: sink.url,
      eventTypes: ['work_order.created'],
    });
    expect(wrong.status).toBe(422);
  }, 60_000);

  it('are for keys of the whole organisation only', async () => {
    const { api, sink } = running;
    const { app } = await api.target(`${sink.url}/hook`);
    const made = await api.post<{ token: string }>('/api/v1/keys', {
      ...{ name: 'customer', role: 'operator', application: app },
    });
    const key = made.body.token;
    expect((await api.call('GET', ROOT, { key })).status).toBe(403);
    expect((await api.call('POST', ROOT, { key, body: { url: sink.url } })).status).toBe(403);
  }, 60_000);
});
