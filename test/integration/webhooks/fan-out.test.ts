import { jest } from '@jest/globals';
import type { Connection } from 'mongoose';
import { newId } from '../../../src/platform/ids.js';
import { connectMongo } from '../../../src/store/connection.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

jest.setTimeout(120_000);

const ENDPOINTS = 10_000;
const WANTING = 1_000;

let running: RunningStack;
let connection: Connection;
beforeAll(async () => {
  running = await runningStack();
  connection = await connectMongo(running.stack.mongodbUrl, 'holdfast');
}, 120_000);
afterAll(async () => {
  await connection?.close();
  await running?.end();
}, 60_000);

/** An application with as many endpoints as there may be, of which some want messages. */
async function fullApplication(): Promise<string> {
  const { app, ep } = await running.api.target(running.sink.url);
  const endpoints = connection.collection<{ _id: string }>('wh_endpoints');
  const model = (await endpoints.findOne({ _id: ep }))!;
  const rows = Array.from({ length: ENDPOINTS - 1 }, (_, n) => {
    const _id = newId('ep');
    return { ...model, _id, uk: `${app}:${_id}`, eventTypes: n < WANTING - 1 ? null : ['something.else'] };
  });
  for (let from = 0; from < rows.length; from += 1000) {
    await endpoints.insertMany(rows.slice(from, from + 1000));
  }
  await connection.collection<{ _id: string }>('wh_apps').updateOne({ _id: app }, { $inc: { rev: 1 } });
  return app;
}

describe('an application with 10,000 endpoints', () => {
  let app: string;
  beforeAll(async () => {
    app = await fullApplication();
  }, 120_000);

  it('gets no more', async () => {
    const answer = await running.api.post(`/api/v1/app/${app}/endpoint`, { url: running.sink.url });
    expect([answer.status, answer.body]).toEqual([400, expect.objectContaining({ code: 'limit_reached' })]);
  });

  it('has a message delivered to each of the 1,000 that want it, once, from one small row', async () => {
    const { api, sink } = running;
    const posted = await api.post<{ id: string }>(`/api/v1/app/${app}/msg`, {
      ...{ eventType: 'order.placed', payload: { n: 1 } },
    });
    expect(posted.status).toBe(202);
    const { id } = posted.body;
    await sink.until(() => sink.counts.get(id) === WANTING, 60_000, 'all endpoints have it');
    const message = await connection
      .collection<{ _id: string; targets: unknown[] }>('wh_messages')
      .findOne({ _id: id });
    expect(message!.targets).toEqual([]);
    expect(JSON.stringify(message).length).toBeLessThan(ENDPOINTS * 28 + 2000);
    const deliveries = connection.collection('wh_deliveries');
    expect(await deliveries.countDocuments({ msg: id })).toBe(WANTING);

    const skipped = new Set<string>();
    let from = '';
    for (let done = false; !done;) {
      const { body } = await api.get<{ data: { endpointId: string }[]; iterator: string; done: boolean }>(
        `/api/v1/app/${app}/msg/${id}/skipped?limit=250${from}`,
      );
      for (const { endpointId } of body.data) skipped.add(endpointId);
      ({ done } = body);
      from = `&iterator=${body.iterator}`;
    }
    expect(skipped.size).toBe(ENDPOINTS - WANTING);
  });
});
