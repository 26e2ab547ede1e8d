import { Webhook } from 'standardwebhooks';
import { Svix } from 'svix';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

let running: RunningStack;
let svix: Svix;
beforeAll(async () => {
  running = await runningStack();
  svix = new Svix(running.stack.apiKey, { serverUrl: running.stack.apiUrl });
}, 120_000);
afterAll(() => running?.end(), 60_000);

describe('the svix package, unmodified, pointed at Holdfast', () => {
  it('creates an application and an endpoint, sends a message and lists its attempts', async () => {
    const app = await svix.application.create({ name: 'Acme', uid: 'acme', metadata: { plan: 'gold' } });
    expect(app).toMatchObject({ id: expect.stringMatching(/^app_[A-Za-z0-9]{27}$/) as string, uid: 'acme' });
    expect(app.createdAt).toBeInstanceOf(Date);

    const endpoint = await svix.endpoint.create('acme', { url: `${running.sink.url}/hook`, uid: 'main' });
    expect(endpoint.id).toMatch(/^ep_[A-Za-z0-9]{27}$/);

    const message = await svix.message.create('acme', {
      eventType: 'work_order.created',
      eventId: 'evt-1',
      payload: { id: 'WO-1', priority: 'high' },
      channels: ['plant-7'],
      tags: ['demo'],
    });
    expect(message.id).toMatch(/^msg_[A-Za-z0-9]{27}$/);
    await running.sink.untilArrived([message.id], 20_000);

    const arrival = running.sink.arrivals.find((one) => one.id === message.id)!;
    const { key } = await svix.endpoint.getSecret('acme', 'main');
    const headers = arrival.headers as Record<string, string>;
    expect(new Webhook(key).verify(arrival.body, headers)).toEqual({ id: 'WO-1', priority: 'high' });
    expect(() => new Webhook(key).verify(`${arrival.body.toString()} `, headers)).toThrow();

    const attempts = await listedAttempts('acme', message.id);
    expect(attempts.data[0]).toMatchObject({
      msgId: message.id,
      endpointId: endpoint.id,
      status: 0,
      statusText: 'success',
      responseStatusCode: 204,
    });
    expect((await svix.messageAttempt.listByEndpoint('acme', 'main')).data).toHaveLength(1);
  }, 60_000);

  it('gets, lists, updates, patches and deletes applications and endpoints', async () => {
    await svix.application.create({ name: 'Second', uid: 'second' });
    expect((await svix.application.get('second')).name).toBe('Second');
    expect((await svix.application.patch('second', { name: 'Renamed' })).name).toBe('Renamed');
    expect((await svix.application.upsert('second', { name: 'Put', uid: 'second' })).name).toBe('Put');
    expect((await svix.application.list({ limit: 1 })).done).toBe(false);
    expect((await svix.application.getOrCreate({ name: 'ignored', uid: 'second' })).name).toBe('Put');

    await svix.endpoint.create('second', {
      url: `${running.sink.url}/two`,
      uid: 'two',
      headers: { 'x-plant': '7' },
    });
    expect((await svix.endpoint.patch('second', 'two', { eventTypes: ['inventory.*'] })).eventTypes).toEqual([
      'inventory.*',
    ]);
    const put = await svix.endpoint.upsert('second', 'two', { url: `${running.sink.url}/2`, uid: 'two' });
    expect(put.eventTypes ?? null).toBeNull();
    expect((await svix.endpoint.getHeaders('second', 'two')).headers).toEqual({ 'x-plant': '7' });
    await svix.endpoint.patchHeaders('second', 'two', { headers: { 'x-token': 'hush' } });
    expect(await svix.endpoint.getHeaders('second', 'two')).toMatchObject({ sensitive: ['x-token'] });
    const before = await svix.endpoint.getSecret('second', 'two');
    await svix.endpoint.rotateSecret('second', 'two', {});
    expect((await svix.endpoint.getSecret('second', 'two')).key).not.toBe(before.key);
    await svix.endpoint.delete('second', 'two');
    await expect(svix.endpoint.get('second', 'two')).rejects.toMatchObject({ code: 404 });
    await svix.application.delete('second');
    await expect(svix.application.get('second')).rejects.toMatchObject({ code: 404 });
  }, 60_000);

  it('resends a message, and the attempt says that somebody asked', async () => {
    await svix.application.create({ name: 'Resend', uid: 'resend' });
    await svix.endpoint.create('resend', { url: `${running.sink.url}/again`, uid: 'again' });
    const message = await svix.message.create('resend', { eventType: 'a.b', payload: { n: 1 } });
    await running.sink.untilArrived([message.id], 20_000);
    await svix.messageAttempt.resend('resend', message.id, 'again');
    await running.sink.until(() => running.sink.counts.get(message.id) === 2, 20_000, 'the second try');
    const { data } = await listedAttempts('resend', message.id, 2);
    expect(data.map((attempt) => attempt.triggerType).sort((a, b) => a - b)).toEqual([0, 1]);
  }, 60_000);

  it('lists messages by event type, channel and tag, and expunges content', async () => {
    await svix.application.create({ name: 'Lists', uid: 'lists' });
    for (const [type, channel] of [
      ['a.one', 'x'],
      ['a.two', 'y'],
      ['a.two', 'x'],
    ] as const) {
      await svix.message.create('lists', {
        eventType: type,
        payload: { type },
        channels: [channel],
        tags: [channel],
      });
    }
    const types = async (query: Parameters<typeof svix.message.list>[1]) =>
      (await svix.message.list('lists', query)).data.map((message) => message.eventType);
    expect(await types({})).toEqual(['a.two', 'a.two', 'a.one']);
    expect(await types({ eventTypes: ['a.one'] })).toEqual(['a.one']);
    expect(await types({ eventTypes: ['a.one', 'a.two'] })).toHaveLength(3);
    expect(await types({ channel: 'x' })).toEqual(['a.two', 'a.one']);
    expect(await types({ tag: 'y' })).toEqual(['a.two']);
    expect(await types({ before: new Date(Date.now() - 3_600_000) })).toEqual([]);
    const [newest] = (await svix.message.list('lists', {})).data;
    await svix.message.expungeContent('lists', newest!.id);
    expect((await svix.message.get('lists', newest!.id, { withContent: true })).payload).toEqual({
      expired: true,
    });
  }, 60_000);
});

describe('messages through the svix package', () => {
  it('are searched, read as they came, checked beforehand and expunged in bulk', async () => {
    await svix.application.create({ name: 'Content', uid: 'content' });
    await svix.endpoint.create('content', {
      url: `${running.sink.url}/content`,
      eventTypes: ['work_order.*'],
      channels: ['plant-7'],
    });
    const active = async (eventType: string, channels: string[]) =>
      (await svix.message.precheck('content', { eventType, channels })).active;
    expect(await active('work_order.created', ['plant-7'])).toBe(true);
    expect(await active('work_order.created', ['plant-8'])).toBe(false);
    expect(await active('inventory.updated', ['plant-7'])).toBe(false);

    const raw = '{ "id": "WO-1", "cost": 1.50, "n": 12345678901234567890 }';
    const sent = await running.api.call<{ id: string }>('POST', '/api/v1/app/content/msg', {
      raw: `{"eventType":"work_order.created","tags":["t"],"payload":${raw}}`,
    });
    const other = await svix.message.create('content', {
      eventType: 'inventory.updated',
      eventId: 'inv-1',
      payload: { partId: 'X' },
    });
    const get = async <T>(path: string) => (await running.api.get<T>(`/api/v1/app/content/msg${path}`)).body;
    expect(await get(`/${sent.body.id}/raw`)).toEqual({ payload: raw });

    const search = (body: object) =>
      running.api.post<{ data: { id: string; payload: object }[] }>('/api/v1/app/content/msg/search', body);
    const found = await search({ event_types: ['inventory.updated'], with_content: true });
    expect(found.status).toBe(200);
    expect(found.body.data.map(({ id, payload }) => [id, payload])).toEqual([[other.id, { partId: 'X' }]]);
    expect((await search({ tag: 't', channel: null })).body.data.map(({ id }) => id)).toEqual([sent.body.id]);
    expect((await search({ limit: 251 })).status).toBe(422);

    const { body } = await running.api.post<{ results: object }>('/api/v1/app/content/msg/bulk-expunge', {
      ids: [sent.body.id, 'inv-1', 'nobody'],
    });
    expect(body.results).toEqual({ [sent.body.id]: 'expunged', 'inv-1': 'expunged', nobody: 'not-found' });
    expect(await get(`/${other.id}/raw`)).toEqual({ payload: '{"expired":true}' });
  }, 60_000);
});

/** The attempts of a message once there are `count`: results are written after the receiver has answered. */
async function listedAttempts(app: string, message: string, count = 1) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const page = await svix.messageAttempt.listByMsg(app, message);
    if (page.data.length >= count || Date.now() > deadline) return page;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
