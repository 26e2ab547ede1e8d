import { jest } from '@jest/globals';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

interface Problem {
  code: string;
  errors?: { pointer?: string }[];
}

jest.setTimeout(60_000);

let running: RunningStack;
beforeAll(async () => {
  running = await runningStack();
}, 120_000);
afterAll(() => running?.end(), 60_000);

const policyOf = (app: string, ep: string) => `/api/v1/app/${app}/endpoint/${ep}/policy`;
const put = (path: string, body: unknown) => running.api.call<Problem>('PUT', path, { body });
const DEFAULTS = {
  retrySchedule: null,
  timeoutMs: null,
  concurrency: null,
  fifo: null,
  filter: null,
  breaker: null,
  batch: null,
};
const CLOSED = { state: 'closed', since: null, trips: 0, nextProbeAt: null };

describe('the rate of an application', () => {
  it('is kept at accept: a message too many is refused with 429 and Retry-After', async () => {
    const { api } = running;
    const app = await api.post<{ id: string }>('/api/v1/app', { name: 'rated', throttleRate: 3 });
    const send = () => api.post<Problem>(`/api/v1/app/${app.body.id}/msg`, { eventType: 'a.b', payload: {} });
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    const taken = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status }) => status === 429);
    expect(taken.length).toBeGreaterThanOrEqual(3);
    expect(taken.length).toBeLessThanOrEqual(6);
    expect(taken.length + refused.length).toBe(10);
    expect(refused[0]?.body.code).toBe('rate_limited');
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    const free = await api.post<{ id: string }>('/api/v1/app', { name: 'free' });
    const other = await api.post(`/api/v1/app/${free.body.id}/msg`, { eventType: 'a.b', payload: {} });
    expect(other.status).toBe(202);
  });
});

describe('the policy of an endpoint', () => {
  it('is all defaults at first, is replaced as a whole, and is cleared with null', async () => {
    const { app, ep } = await running.api.target(running.sink.url);
    expect((await running.api.get(policyOf(app, ep))).body).toEqual({ ...DEFAULTS, circuit: CLOSED });
    const policy = {
      retrySchedule: { base: 1, factor: 2, max: 60, tries: 4 },
      timeoutMs: 5000,
      filter: { priority: { $in: ['high', 'urgent'] } },
      concurrency: 3,
      breaker: { failurePercent: 50, minTries: 4, windowSec: 10, connectFailures: 3 },
      batch: { max: 100, maxWaitMs: 10_000 },
    };
    const changed = await put(policyOf(app, ep), policy);
    expect([changed.status, changed.body]).toEqual([200, { ...DEFAULTS, ...policy, circuit: CLOSED }]);
    expect((await running.api.get(policyOf(app, ep))).body).toMatchObject(policy);
    await put(policyOf(app, ep), { timeoutMs: null });
    expect((await running.api.get(policyOf(app, ep))).body).toEqual({ ...DEFAULTS, circuit: CLOSED });
  });

  const refused: [string, unknown, RegExp][] = [
    ['a wait of more than a day', { retrySchedule: [5, 86_401] }, /^\/retrySchedule/],
    ['no waits', { retrySchedule: [] }, /^\/retrySchedule/],
    ['21 waits', { retrySchedule: Array.from({ length: 21 }, () => 5) }, /^\/retrySchedule/],
    ['a timeout of less than a second', { timeoutMs: 999 }, /^\/timeoutMs$/],
    ['a concurrency of 201', { concurrency: 201 }, /^\/concurrency$/],
    ['a key that is no JSON pointer', { fifo: { by: { key: 'orderId' } } }, /^\/fifo\/by/],
    ['an unknown filter operator', { filter: { a: { $regex: '.*' } } }, /^\/filter/],
    ['batches of none', { batch: { max: 0 } }, /^\/batch\/max$/],
    ['batches of 101', { batch: { max: 101 } }, /^\/batch\/max$/],
    ['a batch without a bound', { batch: { maxWaitMs: 100 } }, /^\/batch\/max$/],
    [
      'a wait for company of more than 10 s',
      { batch: { max: 5, maxWaitMs: 10_001 } },
      /^\/batch\/maxWaitMs$/,
    ],
    ['an unknown member', { retries: 5 }, /retries|^$/],
  ];
  it.each(refused)('with %s is refused, with the member named', async (_, body, pointer) => {
    const { app, ep } = await running.api.target(running.sink.url);
    const answer = await put(policyOf(app, ep), body);
    expect([answer.status, answer.body.code]).toEqual([422, 'validation']);
    expect(answer.body.errors?.[0]?.pointer ?? '').toMatch(pointer);
  });

  it('lets a message wait a second for company unless it says otherwise', async () => {
    const { app, ep } = await running.api.target(running.sink.url);
    const changed = await put(policyOf(app, ep), { batch: { max: 10 } });
    expect(changed.body).toMatchObject({ batch: { max: 10, maxWaitMs: 1000 } });
  });

  it('sets the waits between tries, before what the application sets', async () => {
    const { sink, api } = running;
    sink.fail();
    const { app, ep } = await api.target(`${sink.url}/a`);
    const other = await api.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, { url: `${sink.url}/b` });
    await put(`/api/v1/app/${app}/policy`, { retrySchedule: [1] });
    expect((await api.get(`/api/v1/app/${app}/policy`)).body).toEqual({ retrySchedule: [1] });
    await put(policyOf(app, ep), { retrySchedule: [1, 1] });
    await api.post(`/api/v1/app/${app}/msg`, { eventType: 'a.b', payload: {} });
    const tries = (path: string) =>
      sink.arrivals.filter((arrival) => arrival.path === path).map(({ atMs }) => atMs);
    await sink.until(() => tries('/a').length === 3 && tries('/b').length === 2, 20_000, 'all tries of both');
    const [first, second, third] = tries('/a');
    for (const wait of [second! - first!, third! - second!]) {
      expect(wait).toBeGreaterThanOrEqual(1000);
      expect(wait).toBeLessThan(3000);
    }
    expect(other.status).toBe(201);
    sink.take();
  });

  it('bounds how long a try may take', async () => {
    const { sink, api } = running;
    sink.answer = () => undefined;
    const { app, ep } = await api.target(`${sink.url}/slow`);
    await put(policyOf(app, ep), { timeoutMs: 1000, retrySchedule: [3600] });
    await api.post(`/api/v1/app/${app}/msg`, { eventType: 'a.b', payload: {} });
    const started = Date.now();
    for (;;) {
      const path = `/api/v1/app/${app}/attempt/endpoint/${ep}`;
      const [attempt] = (await api.get<{ data: { responseDurationMs: number }[] }>(path)).body.data;
      if (attempt !== undefined) {
        expect(attempt.responseDurationMs).toBeGreaterThanOrEqual(990);
        expect(attempt.responseDurationMs).toBeLessThan(2500);
        return;
      }
      expect(Date.now() - started).toBeLessThan(10_000);
    }
  });
});
