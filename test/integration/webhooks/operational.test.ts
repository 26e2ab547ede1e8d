import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { Svix } from 'svix';
import { OPERATIONAL_APP } from '../../../src/contracts/webhooks/operational-event.js';
import { SvixDescription } from '../../conformance/webhooks/svix-description.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';
import type { Arrival } from '../../support/webhook-sink.js';

interface Told {
  type: string;
  data: Record<string, unknown>;
}

/** Streams show what was accepted a moment ago. */
const NO_DELAY = { WEBHOOK_POLL_DELAY_MS: '50' };

let running: RunningStack;
beforeAll(async () => {
  const waits = '0.05,0.05,0.05,0.05,0.05';
  running = await runningStack({
    WEBHOOK_RETRY_SCHEDULE: waits,
    WEBHOOK_DISABLE_AFTER_DAYS: '0',
    ...NO_DELAY,
  });
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

interface EventPage {
  data: { id: string; eventType: string; timestamp: string; payload: Told }[];
  iterator: string;
  done: boolean;
}

describe('the stream of operational events', () => {
  const EVENTS = '/api/v1/events';
  const read = async (query = '') => {
    const { status, body } = await running.api.get<EventPage>(`${EVENTS}?${query}`);
    expect(status).toBe(200);
    return body;
  };
  /** Everything after a position, page by page. */
  async function readAll(from: string, query = ''): Promise<EventPage['data']> {
    const page = await read(`limit=3&iterator=${from}${query}`);
    return page.done ? page.data : [...page.data, ...(await readAll(page.iterator, query))];
  }
  /** Changes endpoints of an application while no operational endpoint is there. @returns what was told of it since */
  async function changes(count: number) {
    const { api, sink } = running;
    const { data: listeners } = (await api.get<{ data: { id: string }[] }>(ROOT)).body;
    for (const { id } of listeners) await api.call('DELETE', `${ROOT}/${id}`);
    const { iterator: from } = await untilDone();
    const { app, ep } = await api.target(`${sink.url}/hook`);
    for (let n = 1; n < count; n++) {
      const change = { body: { description: `${n}` } };
      await api.call('PATCH', `/api/v1/app/${app}/endpoint/${ep}`, change);
    }
    const found = async () => (await readAll(from)).filter(({ payload }) => payload.data['appId'] === app);
    await until(found, (events) => events.length === count, 20_000);
    return { app, ep, from };
  }
  async function untilDone(from = ''): Promise<EventPage> {
    const page = await read(`limit=250${from}`);
    return page.done ? page : untilDone(`&iterator=${page.iterator}`);
  }

  it('keeps each in order where no operational endpoint listens, to be read from any point, again and again', async () => {
    const { app, ep, from } = await changes(8);
    const all = await readAll(from);
    const about = { appId: app, endpointId: ep };
    expect(all).toHaveLength(8);
    expect(all[0]).toMatchObject({
      eventType: 'endpoint.created',
      payload: { type: 'endpoint.created', data: about },
    });
    expect(all.slice(1).every(({ eventType }) => eventType === 'endpoint.updated')).toBe(true);
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort());
    expect(await readAll(from)).toEqual(all);
    expect(await readAll(all[4]!.id)).toEqual(all.slice(5));
    expect(await readAll(from, '&event_types=endpoint.created')).toEqual([all[0]]);
    expect(await readAll(from, '&channels=none')).toEqual([]);
    expect(await readAll(from, `&after=${encodeURIComponent(all.at(-1)!.timestamp)}`)).toEqual([]);
    const end = await untilDone(`&iterator=${from}`);
    // At the end the iterator stays where it is, so that polling goes on from there.
    expect(await read(`iterator=${end.iterator}`)).toEqual({ data: [], iterator: end.iterator, done: true });
    expect(end.iterator).toBe(all.at(-1)!.id);
  }, 60_000);

  it('answers as the public description says', async () => {
    const description = new SvixDescription(
      join(process.env['CONFORMANCE_DIR'] ?? '../shared/conformance', 'webhooks/svix-openapi.json'),
    );
    const { from } = await changes(3);
    const body = await read(`iterator=${from}`);
    expect(body.data.length).toBeGreaterThan(2);
    const exchange = { method: 'GET', path: EVENTS, status: 200, contentType: 'application/json' };
    expect(description.faults({ ...exchange, body: JSON.stringify(body) })).toEqual([]);
    const spoiled = JSON.stringify({ ...body, iterator: null });
    expect(description.faults({ ...exchange, body: spoiled })).not.toEqual([]);
  }, 60_000);

  it('outlives a kill of the API that answered the change', async () => {
    const { api, sink, stack } = running;
    const { iterator: from } = await untilDone();
    const { app } = await api.target(`${sink.url}/hook`);
    await stack.kill('api');
    const found = async () => {
      const events = await readAll(from).catch(() => []);
      return events.filter(({ payload }) => payload.data['appId'] === app);
    };
    expect(await until(found, (events) => events.length > 0, 50_000)).toHaveLength(1);
  }, 90_000);

  it('is for keys of the whole organisation, and refuses what it cannot read', async () => {
    const { api, sink } = running;
    const { app } = await api.target(`${sink.url}/hook`);
    const made = await api.post<{ token: string }>('/api/v1/keys', {
      ...{ name: 'customer', role: 'admin', application: app },
    });
    expect((await api.call('GET', EVENTS, { key: made.body.token })).status).toBe(403);
    for (const query of [
      'limit=0',
      'iterator=-msg_1',
      'after=today',
      'event_types=a%20b',
      'channels=a%20b',
    ]) {
      const answer = await api.get<{ code: string }>(`${EVENTS}?${query}`);
      expect([query, answer.status, answer.body.code]).toEqual([query, 422, 'validation']);
    }
    expect((await api.post(EVENTS, {})).status).toBe(405);
  }, 60_000);
});
