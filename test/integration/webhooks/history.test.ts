import { Svix } from 'svix';
import { messageFacets } from '../../../src/domain/webhooks/facets.js';
import { newId } from '../../../src/platform/ids.js';
import { connectMongo } from '../../../src/store/connection.js';
import { webhookModels } from '../../../src/store/webhooks/webhook-models.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';

let running: RunningStack;
let svix: Svix;
beforeAll(async () => {
  running = await runningStack();
  svix = new Svix(running.stack.apiKey, { serverUrl: running.stack.apiUrl });
}, 120_000);
afterAll(() => running?.end(), 60_000);

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** Reads until something holds: results and statistics are written after the receiver has answered. */
const eventually = <T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> =>
  until(read, holds, 30_000);

describe('what became of messages, through the svix package', () => {
  it('an attempt shows what was sent and answered, secrets by name only, and its answer can be expunged', async () => {
    const { app, ep } = await running.api.target(`${running.sink.url}/detail`, {
      headers: { 'x-plant': '7', 'x-api-key': 'planted-secret' },
    });
    running.sink.answer = (_, response) =>
      void response.writeHead(200, { 'x-receiver': 'r1', 'set-cookie': 'planted-cookie' }).end('taken');
    const { id } = await svix.message.create(app, { eventType: 'a.b', payload: { n: 1 } });
    const [attempt] = (
      await eventually(
        () => svix.messageAttempt.listByEndpoint(app, ep, { withMsg: true, withContent: true }),
        ({ data }) => data.length === 1,
      )
    ).data;
    expect(attempt).toMatchObject({ response: 'taken', msg: { id, payload: { n: 1 } } });
    expect(await svix.messageAttempt.get(app, id, attempt!.id)).toMatchObject({
      id: attempt!.id,
      endpointId: ep,
    });

    const path = `/api/v1/app/${app}/msg/${id}/attempt/${attempt!.id}`;
    const headers = await running.api.get<{
      sentHeaders: Record<string, string>;
      responseHeaders: string[][];
      sensitive: string[];
    }>(`${path}/headers`);
    const arrived = running.sink.arrivals.find((one) => one.id === id)!.headers;
    for (const [name, value] of Object.entries(headers.body.sentHeaders)) expect(arrived[name]).toBe(value);
    expect(headers.body.sentHeaders).toMatchObject({ 'x-plant': '7', 'webhook-id': id });
    expect(headers.body.sensitive).toEqual(['x-api-key']);
    expect(headers.body.responseHeaders).toContainEqual(['x-receiver', 'r1']);
    expect(JSON.stringify(headers.body)).not.toContain('planted');

    await svix.messageAttempt.expungeContent(app, id, attempt!.id);
    expect((await svix.messageAttempt.get(app, id, attempt!.id)).response).toBe('');
    expect((await running.api.get(`${path.slice(0, -3)}xyz`)).status).toBe(404);
  }, 60_000);

  it('one trace id joins the call, the delivery and each try', async () => {
    const { app } = await running.api.target(`${running.sink.url}/trace`);
    const answer = await fetch(`${running.stack.apiUrl}/api/v1/app/${app}/msg`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${running.stack.apiKey}`,
        'content-type': 'application/json',
        traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
      },
      body: JSON.stringify({ eventType: 'a.b', payload: {} }),
    });
    const { id } = (await answer.json()) as { id: string };
    await running.sink.untilArrived([id], 20_000);
    const sent = running.sink.arrivals.find((one) => one.id === id)!.headers['traceparent'];
    expect(sent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    const list = await eventually(
      () => running.api.get<{ data: { id: string; state: string }[] }>(`/api/v1/app/${app}/delivery`),
      ({ body }) => body.data[0]?.state === 'delivered',
    );
    const one = await running.api.get<{ traceId: string; history: { number: number; outcome: string }[] }>(
      `/api/v1/app/${app}/delivery/${list.body.data[0]!.id}`,
    );
    expect(one.body).toMatchObject({ traceId: TRACE, history: [{ number: 1, outcome: 'delivered' }] });
  }, 60_000);

  it('what is retrying is listed with its reason and its next try, over all applications too', async () => {
    const { app, ep } = await running.api.target(`${running.sink.url}/down`);
    running.sink.answer = (_, response) => void response.writeHead(503).end();
    const { id } = await svix.message.create(app, { eventType: 'a.b', payload: {}, tags: ['t1'] });
    type List = { data: { msgId: string; state: string; reason: string; nextAt: string }[] };
    const path = `/api/v1/app/${app}/delivery?state=retrying&endpoint_id=${ep}&reason=http_503`;
    const { body } = await eventually(
      () => running.api.get<List>(path),
      (answer) => answer.body.data.length === 1,
    );
    expect(body.data[0]).toMatchObject({ msgId: id, state: 'retrying', reason: 'http_503' });
    expect(Date.parse(body.data[0]!.nextAt)).toBeGreaterThan(Date.now() - 60_000);
    const everywhere = await running.api.get<List>('/api/v1/delivery?state=retrying');
    expect(everywhere.body.data.map((one) => one.msgId)).toContain(id);

    const messages = await svix.messageAttempt.listAttemptedMessages(app, ep, { status: 1, tag: 't1' });
    expect(messages.data).toMatchObject([{ id, status: 1, statusText: 'pending' }]);
    expect(messages.data[0]!.nextAttempt).toBeInstanceOf(Date);
    const endpoints = await svix.messageAttempt.listAttemptedDestinations(app, id);
    expect(endpoints.data).toMatchObject([{ id: ep, status: 1 }]);
    running.sink.take();
  }, 60_000);

  it('statistics tell how deliveries stand, and health how the endpoint fares', async () => {
    const { app, ep } = await running.api.target(`${running.sink.url}/stats`);
    const ids: string[] = [];
    for (let n = 0; n < 25; n++)
      ids.push((await svix.message.create(app, { eventType: 'work.done', payload: { n } })).id);
    await running.sink.untilArrived(ids, 30_000);
    const stats = await eventually(
      () => svix.endpoint.getStats(app, ep),
      ({ success }) => success === 25,
    );
    expect(stats).toEqual({ success: 25, pending: 0, sending: 0, fail: 0, canceled: 0 });
    const window = `since=${new Date(Date.now() - 3_600_000).toISOString()}&until=${new Date().toISOString()}`;
    const attempts = await running.api.get(`/api/v1/app/${app}/stats/attempts?${window}`);
    expect(attempts.body).toMatchObject({
      by_event_type: { 'work.done': { success: 25, failure: 0, canceled: 0 } },
      total_success: 25,
    });
    const health = await running.api.get<{ p95: number; buckets: unknown[] }>(
      `/api/v1/app/${app}/endpoint/${ep}/health?bucket=1m`,
    );
    expect(health.body).toMatchObject({
      ...{ state: 'healthy', successRate: 1, waiting: 0, breaker: 'closed', lastError: null },
      total: { attempts: 25, delivered: 25, firstTry: 25, classes: { '2xx': 25 } },
    });
    expect(health.body.p95).toBeGreaterThan(0);
    expect(health.body.buckets.length).toBeGreaterThan(0);
    expect((await running.api.get(`/api/v1/app/${app}/attempt/endpoint/${ep}/count`)).body).toEqual({
      count: 25,
      approximated: false,
    });
    const tooLong = `since=2026-01-01T00:00:00Z&until=2026-03-01T00:00:00Z`;
    expect((await running.api.get(`/api/v1/app/${app}/stats/attempts?${tooLong}`)).status).toBe(422);
    expect((await running.api.get(`/api/v1/app/${app}/endpoint/${ep}/stats?${tooLong}`)).status).toBe(422);
  }, 90_000);

  it('10,000 messages are read forwards and backwards under inserts, none twice, none missing', async () => {
    const { app } = await running.api.target(`${running.sink.url}/pages`);
    const connection = await connectMongo(running.stack.mongodbUrl, 'holdfast');
    const { messages } = webhookModels(connection);
    const labels = { type: 'a.b', channels: null, tags: null };
    const row = () => {
      const _id = newId('msg');
      const at = new Date();
      return {
        ...{
          _id,
          app,
          ...labels,
          k: messageFacets(labels),
          eventId: null,
          body: null,
          bodySha256: '',
          rh: '',
        },
        ...{
          ek: `${app}:${_id}`,
          ik: `${app}:${_id}`,
          targets: [],
          skipped: [],
          deliverAt: null,
          at,
          expiresAt: at,
        },
      };
    };
    const rows = Array.from({ length: 10_000 }, row);
    await messages.collection.insertMany(rows as never);
    const newestFirst = rows.map(({ _id }) => _id).reverse();
    const walk = async (backwards: boolean, from?: string) => {
      const ids: string[] = [];
      let iterator = from;
      for (;;) {
        const page = await svix.message.list(app, {
          limit: 250,
          withContent: false,
          ...(iterator && { iterator }),
        });
        const here = page.data.map(({ id }) => id);
        if (backwards) ids.unshift(...here);
        else ids.push(...here);
        await messages.collection.insertOne(row() as never);
        if (page.done) return ids;
        iterator = (backwards ? page.prevIterator : page.iterator)!;
      }
    };
    expect(await walk(false)).toEqual(newestFirst);
    const back = await walk(true, `-${newestFirst.at(-1)!}`);
    expect(new Set(back).size).toBe(back.length);
    // Walking towards the newest meets what was inserted meanwhile, before everything that was there.
    expect(back.slice(-9_999)).toEqual(newestFirst.slice(0, -1));
    expect(back.length).toBeGreaterThan(9_999);
    await connection.close();
  }, 120_000);
});
