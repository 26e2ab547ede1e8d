import mongoose from 'mongoose';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

let running: RunningStack;
let client: mongoose.mongo.MongoClient;
beforeAll(async () => {
  running = await runningStack();
  client = await mongoose.mongo.MongoClient.connect(running.stack.mongodbUrl);
}, 120_000);
afterAll(async () => {
  await client?.close();
  await running?.end();
}, 60_000);

interface Skipped {
  endpointId: string;
  endpointUid?: string;
  reason: string;
}
interface SkippedPage {
  data: Skipped[];
  iterator: string | null;
  prevIterator: string | null;
  done: boolean;
}

/** Why a message was not sent to its endpoints, as the stored decision says. */
async function decision(id: string) {
  const row = await client
    .db('holdfast')
    .collection('wh_messages')
    .findOne({ _id: id as never });
  return row === null
    ? null
    : {
        sent: (row['targets'] as { e: string }[]).map(({ e }) => e),
        skipped: Object.fromEntries(
          (row['skipped'] as { e: string; why: string }[]).map(({ e, why }) => [e, why]),
        ),
      };
}

describe('routing', () => {
  it('sends by event type, prefix, channel and content, and keeps the rule that said no', async () => {
    const { app, ep: all } = await running.api.target(`${running.sink.url}/all`);
    const endpoint = async (members: object) =>
      (
        await running.api.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, {
          url: `${running.sink.url}/some`,
          ...members,
        })
      ).body.id;
    const exact = await endpoint({ eventTypes: ['inventory.low_stock'] });
    const prefix = await endpoint({ eventTypes: ['work_order.*'] });
    const channel = await endpoint({ channels: ['plant-7'] });
    const urgent = await endpoint({});
    const policy = `/api/v1/app/${app}/endpoint/${urgent}/policy`;
    const filter = { priority: { $in: ['high', 'urgent'] }, $not: { 'asset.plant': 'P9' } };
    expect((await running.api.call('PUT', policy, { body: { filter } })).status).toBe(200);
    expect((await running.api.get<{ filter: object }>(policy)).body.filter).toEqual(filter);

    const post = async (payload: object, more: object = {}) => {
      const body = { eventType: 'work_order.created', payload: { id: 'WO-1', ...payload }, ...more };
      return (await running.api.post<{ id: string }>(`/api/v1/app/${app}/msg`, body)).body.id;
    };
    const high = await post({ priority: 'high' }, { channels: ['plant-7'] });
    expect(await decision(high)).toEqual({
      sent: [all, prefix, channel, urgent],
      skipped: { [exact]: 'event_type' },
    });
    const low = await post({ priority: 'low' });
    const elsewhere = await post({ priority: 'urgent', asset: { plant: 'P9' } });
    const rules = { [exact]: 'event_type', [channel]: 'channel', [urgent]: 'filter' };
    expect(await decision(low)).toEqual({ sent: [all, prefix], skipped: rules });
    expect(await decision(elsewhere)).toEqual({ sent: [all, prefix], skipped: rules });
    await running.sink.until(() => running.sink.counts.get(high) === 4, 20_000, 'four deliveries');

    await running.api.call('PUT', policy, { body: {} });
    expect((await decision(await post({ priority: 'low' })))?.sent).toContain(urgent);
  }, 60_000);

  it('refuses a filter that cannot be, with the place', async () => {
    const { app, ep } = await running.api.target(running.sink.url);
    const answer = await running.api.call<{ errors: { pointer: string }[] }>(
      'PUT',
      `/api/v1/app/${app}/endpoint/${ep}/policy`,
      { body: { filter: { $or: [{ a: { $regex: '.' } }] } } },
    );
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0]?.pointer).toBe('/filter/$or/0/a/$regex');
  });
});

describe('the endpoints that a message was not sent to', () => {
  const endpointOf = async (app: string, members: object) => {
    const body = { url: `${running.sink.url}/some`, ...members };
    return (await running.api.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, body)).body.id;
  };
  const post = async (app: string, more: object = {}) => {
    const body = { eventType: 'work_order.created', payload: { id: 'WO-1' }, ...more };
    return (await running.api.post<{ id: string }>(`/api/v1/app/${app}/msg`, body)).body.id;
  };
  const pathOf = (app: string, message: string) => `/api/v1/app/${app}/msg/${message}/skipped`;
  const page = async (path: string, query = '') => {
    const { status, body } = await running.api.get<SkippedPage>(`${path}?${query}`);
    expect(status).toBe(200);
    return body;
  };

  it('are listed with the rule, newest first, or asked for one by one', async () => {
    const { app, ep: target } = await running.api.target(`${running.sink.url}/all`);
    const other = await endpointOf(app, { uid: 'stock', eventTypes: ['inventory.low_stock'] });
    const channel = await endpointOf(app, { channels: ['plant-7'] });
    const off = await endpointOf(app, { disabled: true });
    const path = pathOf(app, await post(app, { eventId: 'evt-1' }));
    const all = [
      { endpointId: off, reason: 'disabled' },
      { endpointId: channel, reason: 'channel' },
      { endpointId: other, endpointUid: 'stock', reason: 'event_type' },
    ];
    expect(await page(path)).toEqual({ data: all, iterator: other, prevIterator: `-${off}`, done: true });
    expect((await page(pathOf(app, 'evt-1'))).data).toEqual(all);
    expect((await page(path, 'endpoint_id=stock')).data).toEqual([all[2]]);
    expect((await page(path, `endpoint_id=${channel}`)).data).toEqual([all[1]]);
    expect((await page(path, `endpoint_id=${target}`)).data).toEqual([]);
    const second = await page(path, `limit=1&iterator=${off}`);
    expect(second).toMatchObject({ data: [all[1]], done: false });
    expect((await page(path, `iterator=${second.prevIterator!}`)).data).toEqual([all[0]]);
  });

  it('are told for many, from runs of ids: none that is a target, was gone, or came later', async () => {
    const { app, ep: target } = await running.api.target(`${running.sink.url}/all`);
    const expected: Skipped[] = [];
    let gone = '';
    for (let n = 0; n < 45; n++) {
      // Now and then a target stands in a run, and one that was deleted before the message.
      const filter = n % 9 === 4 ? {} : n % 6 < 3 ? { eventTypes: ['inventory.*'] } : { channels: ['x'] };
      const id = await endpointOf(app, filter);
      if (n === 7) {
        gone = id;
        await running.api.call('DELETE', `/api/v1/app/${app}/endpoint/${id}`);
      } else if (n % 9 !== 4) {
        expected.unshift({ endpointId: id, reason: n % 6 < 3 ? 'event_type' : 'channel' });
      }
    }
    const message = await post(app);
    const later = await endpointOf(app, { eventTypes: ['inventory.*'] });
    await running.api.call('DELETE', `/api/v1/app/${app}/endpoint/${expected[3]!.endpointId}`);
    const stored = await client
      .db('holdfast')
      .collection('wh_messages')
      .findOne({ _id: message as never });
    expect(stored).toMatchObject({ skipped: [], packed: { skipped: { event_type: expect.any(String) } } });

    const path = pathOf(app, message);
    const forwards: Skipped[] = [];
    let last: SkippedPage | undefined;
    while (last?.done !== true) {
      last = await page(path, `limit=7${last === undefined ? '' : `&iterator=${last.iterator!}`}`);
      forwards.push(...last.data);
    }
    expect(forwards).toEqual(expected);
    const backwards: Skipped[] = [...last.data];
    for (let back = last; !back.done || back === last;) {
      back = await page(path, `limit=7&iterator=${back.prevIterator!}`);
      backwards.unshift(...back.data);
    }
    expect(backwards).toEqual(expected);
    const one = expected[10]!;
    expect((await page(path, `endpoint_id=${one.endpointId}`)).data).toEqual([one]);
    expect((await page(path, `endpoint_id=${target}`)).data).toEqual([]);
    expect((await page(path, `endpoint_id=${later}`)).data).toEqual([]);
    expect((await running.api.get(`${path}?endpoint_id=${gone}`)).status).toBe(404);
  }, 60_000);

  it('are shown to a key of the application, and to no key of another', async () => {
    const { app } = await running.api.target(`${running.sink.url}/all`, { channels: ['x'] });
    const path = pathOf(app, await post(app));
    const { app: foreign } = await running.api.target(`${running.sink.url}/all`);
    const key = async (application: string, scopes?: string[]) => {
      const body = {
        name: 'bound',
        role: 'viewer',
        application,
        ...(scopes === undefined ? {} : { scopes }),
      };
      return (await running.api.post<{ token: string }>('/api/v1/keys', body)).body.token;
    };
    const status = async (token: string) => (await running.api.call('GET', path, { key: token })).status;
    expect(await status(await key(app))).toBe(200);
    expect(await status(await key(foreign))).toBe(404);
    expect(await status(await key(app, ['messages:read']))).toBe(403);
    expect((await running.api.get(pathOf(app, 'msg-of-nobody'))).status).toBe(404);
  });

  it.each(['limit=0', 'limit=251', 'iterator=msg_1', `iterator=${'x'.repeat(30)}`, 'endpoint_id=a%20b'])(
    'are not listed for the query %s',
    async (query) => {
      const { app } = await running.api.target(`${running.sink.url}/all`);
      const answer = await running.api.get<{ code: string }>(`${pathOf(app, await post(app))}?${query}`);
      expect([answer.status, answer.body.code]).toEqual([422, 'validation']);
    },
  );
});
