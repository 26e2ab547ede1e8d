import { Svix } from 'svix';
import { AutoConfigConsumer } from 'svix-1';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';

let running: RunningStack;
let svix: Svix;
beforeAll(async () => {
  running = await runningStack({ WEBHOOK_POLL_DELAY_MS: '300' });
  svix = new Svix(running.stack.apiKey, { serverUrl: running.stack.apiUrl });
}, 120_000);
afterAll(() => running?.end(), 60_000);

interface Token {
  token: string;
  id: string;
}

/** An application with a polling endpoint. */
async function poller(wants: Record<string, unknown> = {}) {
  const app = await running.api.post<{ id: string }>('/api/v1/app', { name: 'polled' });
  const made = await running.api.post<{ id: string }>(`/api/v1/app/${app.body.id}/poller`, wants);
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return { app: app.body.id, id: made.body.id };
}

const send = async (app: string, eventType: string, n: number, more: object = {}) =>
  (await svix.message.create(app, { eventType, payload: { n }, ...more })).id;

/** Polls on until it has seen as many messages; gives their ids in order. */
async function seen(count: number, next: () => Promise<{ data: { id: string }[] }>): Promise<string[]> {
  const ids: string[] = [];
  const deadline = Date.now() + 20_000;
  while (ids.length < count && Date.now() < deadline) ids.push(...(await next()).data.map(({ id }) => id));
  return ids;
}

/** Waits until so many messages stand in one answer: young ones are held back for a moment. */
async function visible(count: number, app: string, id: string): Promise<void> {
  const poll = async () => (await svix.message.poller.poll(app, id, { limit: 250 })).data.length;
  await until(poll, (found) => found >= count, 20_000);
}

describe('a polling endpoint, read with the unmodified svix package', () => {
  it('gives every message it wants once, in the order of their accept, and no message is delivered', async () => {
    const { app, id } = await poller({ eventTypes: ['wanted.*'], channels: ['plant-7'] });
    const wanted: string[] = [];
    for (let n = 0; n < 5; n++) {
      wanted.push(await send(app, 'wanted.one', n, { channels: ['plant-7'], tags: ['t'] }));
      await send(app, 'wanted.one', n, { channels: ['plant-8'] });
      await send(app, 'other.one', n, { channels: ['plant-7'] });
    }
    let iterator: string | null = null;
    const ids = await seen(5, async () => {
      const page = await svix.message.poller.poll(app, id, { limit: 2, iterator });
      expect(page.data.length).toBeLessThanOrEqual(2);
      ({ iterator } = page);
      return page;
    });
    expect(ids).toEqual(wanted);
    const end = await svix.message.poller.poll(app, id, { iterator });
    expect([end.data, end.done]).toEqual([[], true]);
    const [first] = (await svix.message.poller.poll(app, id, { limit: 1 })).data;
    expect(first).toMatchObject({ id: wanted[0], eventType: 'wanted.one', payload: { n: 0 } });
    expect(first?.channels).toEqual(['plant-7']);
    const deliveries = await running.api.get<{ data: object[] }>(`/api/v1/app/${app}/delivery`);
    expect(deliveries.body.data).toEqual([]);
  }, 60_000);

  it('is narrowed by event type, channel and time for one call', async () => {
    const { app, id } = await poller();
    const a = await send(app, 'poll.a', 1, { channels: ['x'] });
    const b = await send(app, 'poll.b', 2, { channels: ['y'] });
    await visible(2, app, id);
    const ids = async (options: Parameters<typeof svix.message.poller.poll>[2]) =>
      (await svix.message.poller.poll(app, id, options)).data.map((message) => message.id);
    expect(await ids({ eventType: 'poll.b' })).toEqual([b]);
    expect(await ids({ channel: 'x' })).toEqual([a]);
    expect(await ids({ eventType: 'poll.b', channel: 'x' })).toEqual([]);
    expect(await ids({ after: new Date(Date.now() + 60_000) })).toEqual([]);
  }, 60_000);

  it('remembers how far each consumer is, gives parallel calls different messages, and goes back on request', async () => {
    const { app, id } = await poller();
    const before = new Date(Date.now() - 1000);
    const sent: string[] = [];
    for (let n = 0; n < 12; n++) sent.push(await send(app, 'poll.many', n));
    await visible(12, app, id);
    const consume = () => svix.message.poller.consumerPoll(app, id, 'one', { limit: 2 });
    const pages = await Promise.all(Array.from({ length: 4 }, consume));
    expect(pages.flatMap(({ data }) => data.map((message) => message.id)).toSorted()).toEqual(
      sent.slice(0, 8),
    );
    const last = await consume();
    expect(last.data.map((message) => message.id)).toEqual(sent.slice(8, 10));
    const again = await svix.message.poller.consumerPoll(app, id, 'one', { iterator: sent[7]!, limit: 2 });
    expect(again.data).toEqual(last.data);
    const other = await svix.message.poller.consumerPoll(app, id, 'two', { limit: 1 });
    expect(other.data[0]?.id).toBe(sent[0]);
    await svix.message.poller.consumerSeek(app, id, 'one', { after: before });
    expect((await consume()).data.map((message) => message.id)).toEqual(sent.slice(0, 2));
  }, 60_000);

  it('has a token that polls this endpoint and can do nothing else; rotated, the old one ends', async () => {
    const { app, id } = await poller({ uid: 'ours' });
    const beside = await running.api.post<{ id: string }>(`/api/v1/app/${app}/poller`, {});
    const path = `/api/v1/auth/app/${app}/poller/ours/token`;
    expect((await running.api.get(path)).status).toBe(404);
    const made = await running.api.post<Token>(`${path}/rotate`, {});
    expect(made.status).toBe(201);
    expect((await running.api.get<Token>(path)).body).toMatchObject({
      token: made.body.token,
      id: made.body.id,
    });
    const own = new Svix(made.body.token, { serverUrl: running.stack.apiUrl });
    expect((await own.message.poller.poll(app, id)).data).toEqual([]);
    await expect(own.message.poller.poll(app, beside.body.id)).rejects.toMatchObject({ code: 404 });
    await expect(own.message.list(app)).rejects.toMatchObject({ code: 403 });
    await expect(own.endpoint.list(app)).rejects.toMatchObject({ code: 403 });

    const next = await running.api.post<Token>(`${path}/rotate`, { oldTokenExpiry: 0 });
    await expect(own.message.poller.poll(app, id)).rejects.toMatchObject({ code: 401 });
    const renewed = new Svix(next.body.token, { serverUrl: running.stack.apiUrl });
    expect((await renewed.message.poller.poll(app, 'ours')).done).toBe(true);
    expect((await running.api.call('DELETE', `/api/v1/app/${app}/poller/ours`)).status).toBe(204);
    expect((await running.api.get(`/api/v1/app/${app}/poller/ours`)).status).toBe(404);
  }, 60_000);

  it('is listed, changed and disabled, and refuses what it does not know', async () => {
    const { app, id } = await poller({ uid: 'p', description: 'first' });
    const path = `/api/v1/app/${app}/poller`;
    const { body } = await running.api.get<{ data: object[] }>(path);
    expect(body.data).toEqual([expect.objectContaining({ id, uid: 'p', description: 'first' })]);
    const put = await running.api.call('PUT', `${path}/p/settings`, { body: { uid: 'p', disabled: true } });
    expect(put.body).toMatchObject({ id, disabled: true, description: '' });
    expect((await running.api.get<{ code: string }>(`${path}/p`)).body.code).toBe('endpoint_disabled');
    expect((await running.api.post(path, { uid: 'p' })).status).toBe(409);
    expect((await running.api.post(path, { url: 'http://x/' })).status).toBe(422);
    expect((await running.api.post(path, { eventTypes: ['no.such.type'] })).status).toBe(422);
    expect((await running.api.get(`${path}/p?iterator=ep_1`)).status).toBe(422);
    expect((await running.api.get(`/api/v1/app/other/poller/p`)).status).toBe(404);
  });
});

describe('a message token', () => {
  it('sends messages to its application and does nothing else', async () => {
    const { app } = await running.api.target(running.sink.url);
    const other = await running.api.target(running.sink.url);
    const made = await running.api.post<Token & { name: string; expiresAt: string }>(
      `/api/v1/auth/app/${app}/create-message-token`,
      { name: 'shop', expiry: 3600 },
    );
    expect([made.status, made.body.name]).toEqual([200, 'shop']);
    expect(Date.parse(made.body.expiresAt)).toBeGreaterThan(Date.now() + 3_500_000);
    const own = new Svix(made.body.token, { serverUrl: running.stack.apiUrl });
    const sent = await own.message.create(app, { eventType: 'a.b', payload: {} });
    await expect(own.message.get(app, sent.id)).rejects.toMatchObject({ code: 403 });
    await expect(own.message.expungeContent(app, sent.id)).rejects.toMatchObject({ code: 403 });
    await expect(own.message.create(other.app, { eventType: 'a.b', payload: {} })).rejects.toMatchObject({
      code: 404,
    });
    expect((await running.api.post(`/api/v1/auth/app/${app}/create-message-token`, {})).status).toBe(422);
  });
});

describe('counts over all applications', () => {
  it('tell active and disabled endpoints, and applications that have one', async () => {
    const counts = async (query = '') => ({
      ...(await running.api.get<object>(`/api/v1/stats/endpoint/count${query}`)).body,
      ...(await running.api.get<object>(`/api/v1/app/stats/count-active${query}`)).body,
    });
    const before = (await counts()) as { active: number; disabled: number; count: number };
    const { app } = await running.api.target(running.sink.url);
    const add = (body: object) => running.api.post(`/api/v1/app/${app}/endpoint`, body);
    await add({ url: `${running.sink.url}/b` });
    await running.api.target(running.sink.url, { disabled: true });
    const expected = { active: before.active + 2, disabled: before.disabled + 1, count: before.count + 1 };
    expect(await counts()).toEqual(expected);
    await running.api.target('https://play.svix.com/in/e_x/');
    expect(await counts()).toEqual(expected);
    expect(await counts('?exclude_svix_play=false')).toEqual({
      ...expected,
      active: expected.active + 1,
      count: expected.count + 1,
    });
    const all = await running.api.get<object>('/api/v1/app/stats/count-active?exclude_disabled=false');
    expect(all.body).toEqual({ count: expected.count + before.disabled + 1 });
    const narrow = await running.api.post<Token>('/api/v1/keys', { name: 'narrow', application: app });
    const refused = await running.api.call('GET', '/api/v1/stats/endpoint/count', { key: narrow.body.token });
    expect(refused.status).toBe(403);
  });
});

describe('the second version, with the AutoConfigConsumer of svix 1.99, unmodified', () => {
  /** A consumer that has nothing but the token of the polling endpoint. */
  async function consumer(app: string, id: string) {
    const url = `/api/v1/auth/app/${app}/poller/${id}/token/rotate`;
    const { token } = (await running.api.post<Token>(url, {})).body;
    const content = { aid: app, eid: id, surl: running.stack.apiUrl, esec: '', tok: token };
    const encoded = Buffer.from(JSON.stringify(content)).toString('base64');
    return new AutoConfigConsumer(`auto_v1_${encoded}`, {} as never);
  }

  it('gives messages again until they are committed, and never while another has them', async () => {
    const { app, id } = await poller();
    const client = await consumer(app, id);
    const sent: string[] = [];
    for (let n = 0; n < 5; n++) sent.push(await send(app, 'poll.leased', n));
    await visible(5, app, id);
    const receive = async (limit: number, leaseDurationMs: number) => {
      const { data, done } = await client.receive('one', { limit, leaseDurationMs });
      return { ids: data.map((message) => message.id), offsets: data.map(({ offset }) => offset), done };
    };
    expect(await receive(3, 0)).toEqual({ ids: sent.slice(0, 3), offsets: [1, 2, 3], done: false });
    expect(await receive(3, 60_000)).toMatchObject({ ids: sent.slice(0, 3), offsets: [1, 2, 3] });
    expect(await receive(3, 60_000)).toEqual({ ids: [], offsets: [], done: false });
    await client.commit('one', 2);
    await client.commit('one', 2);
    expect(await receive(3, 60_000)).toMatchObject({ ids: [] });
    await client.commit('one', 3);
    expect(await receive(3, 1)).toEqual({ ids: sent.slice(3), offsets: [4, 5], done: true });
    await expect(client.commit('one', 6)).rejects.toMatchObject({ code: 422 });
    const again = await seen(2, () => client.receive('one', { leaseDurationMs: 0 }));
    expect(again).toEqual(sent.slice(3));
    await client.commit('one', 5);
    expect(await receive(3, 0)).toEqual({ ids: [], offsets: [], done: true });
    expect((await client.receive('another', { limit: 1 })).data[0]?.id).toBe(sent[0]);
    expect((await client.receive('late', { startingPosition: 'latest' as never })).data).toEqual([]);
  }, 60_000);

  it('calls at once for one consumer: one gets the messages', async () => {
    const { app, id } = await poller();
    const client = await consumer(app, id);
    for (let n = 0; n < 3; n++) await send(app, 'poll.leased', n);
    await visible(3, app, id);
    const calls = await Promise.all(Array.from({ length: 4 }, () => client.receive('one')));
    expect(calls.map(({ data }) => data.length).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 3]);
  }, 60_000);
});

describe('the stream of an application', () => {
  it('has every message of it in order, narrowed by types and channels', async () => {
    const app = (await running.api.post<{ id: string }>('/api/v1/app', { name: 'streamed' })).body.id;
    const a = await send(app, 'stream.a', 1, { channels: ['x'] });
    const b = await send(app, 'stream.b', 2);
    const c = await send(app, 'stream.c', 3, { channels: ['y'] });
    const read = async (query: string) =>
      (await running.api.get<Stream>(`/api/v1/app/${app}/events?${query}`)).body;
    let from = '';
    const ids = await seen(3, async () => {
      const page = await read(from);
      from = `iterator=${page.iterator}`;
      return page;
    });
    expect(ids).toEqual([a, b, c]);
    const first = await read('limit=1');
    expect([first.data.map(({ id }) => id), first.done]).toEqual([[a], false]);
    expect((await read(`iterator=${first.iterator}`)).data.map(({ id }) => id)).toEqual([b, c]);
    expect((await read('event_types=stream.b,stream.c')).data.map(({ id }) => id)).toEqual([b, c]);
    expect((await read('channels=x,y')).data.map(({ id }) => id)).toEqual([a, c]);
  }, 60_000);
});

interface Stream {
  data: { id: string }[];
  iterator: string;
  done: boolean;
}
