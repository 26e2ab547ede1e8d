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
