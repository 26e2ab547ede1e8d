import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';

let running: RunningStack;
beforeAll(async () => {
  running = await runningStack();
}, 120_000);
afterAll(() => running?.end(), 60_000);

interface Tried {
  id: string;
  msgId: string;
  endpointId: string;
  statusText: string;
  responseStatusCode: number;
  response: string;
}

describe('a test attempt', () => {
  it('goes to its endpoint only, whatever the filters say, and answers with what the receiver said', async () => {
    const { api, sink } = running;
    sink.answer = ({ path }, response) =>
      void response.writeHead(path === '/broken' ? 500 : 200).end(`this is ${path}`);
    const { app } = await api.target(`${sink.url}/other`);
    const endpoint = async (path: string) => {
      const body = { url: `${sink.url}${path}`, channels: ['only-these'] };
      return (await api.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, body)).body.id;
    };
    const message = { eventType: 'test.attempt', payload: { n: 1 } };
    const test = (ep: string, idempotencyKey?: string) =>
      api.call<Tried>('POST', `/api/v1/app/${app}/endpoint/${ep}/msg/test-attempt`, {
        body: message,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
    const fine = await endpoint('/fine');
    const [good, bad] = [await test(fine), await test(await endpoint('/broken'))];
    expect(good).toMatchObject({
      status: 201,
      body: { endpointId: fine, statusText: 'success', responseStatusCode: 200, response: 'this is /fine' },
    });
    expect(bad).toMatchObject({
      status: 201,
      body: { statusText: 'fail', responseStatusCode: 500, response: 'this is /broken' },
    });
    const first = await test(fine, 'the-same');
    const again = await test(fine, 'the-same');
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(sink.counts.get(first.body.msgId)).toBe(1);
    expect(sink.arrivals.filter(({ path }) => path === '/other')).toEqual([]);
  }, 60_000);

  it('is refused while the endpoint is down', async () => {
    const { api } = running;
    const { app, ep } = await api.target('http://127.0.0.1:1/closed');
    const path = `/api/v1/app/${app}/endpoint/${ep}`;
    const message = { eventType: 'test.attempt', payload: {} };
    await Promise.all(Array.from({ length: 5 }, () => api.post(`/api/v1/app/${app}/msg`, message)));
    const policy = () => api.get<{ circuit: { state: string } }>(`${path}/policy`);
    await until(policy, ({ body }) => body.circuit.state === 'open', 20_000);
    const listed = async () =>
      (await api.get<{ data: unknown[] }>(`/api/v1/app/${app}/msg`)).body.data.length;
    const answer = await api.post<{ code: string }>(`${path}/msg/test-attempt`, message);
    expect([answer.status, answer.body.code]).toEqual([409, 'not_tried']);
    expect(await listed()).toBe(5);
  }, 60_000);
});
