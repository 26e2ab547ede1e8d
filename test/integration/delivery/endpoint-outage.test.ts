import { jest } from '@jest/globals';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';

jest.setTimeout(120_000);

/** A day of the product takes so many seconds here: schedule, probes and the time to disable are shortened alike. */
const DAY_SEC = 4;
const HOURS = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 10];
const SETTINGS = {
  WEBHOOK_RETRY_SCHEDULE: HOURS.map((hours) => (hours * DAY_SEC) / 24).join(','),
  WEBHOOK_PROBE_SECONDS: '0.05',
  WEBHOOK_PROBE_MAX_SECONDS: '0.5',
  WEBHOOK_DISABLE_AFTER_DAYS: String((5 * DAY_SEC) / 86_400),
};

let running: RunningStack;
/** Paths that close the connection without an answer. */
const down = new Set<string>();
/** Paths that answer 410. */
const gone = new Set<string>();
/** What was taken: path and number, in order. */
const taken: { path: string; n: number }[] = [];
const told: { id: string; type: string; data: Record<string, unknown> }[] = [];

beforeAll(async () => {
  running = await runningStack(SETTINGS);
  running.sink.answer = ({ id, path, body }, response) => {
    const content = JSON.parse(body.toString());
    if (path === '/told') told.push({ ...content, id });
    else if (!down.has(path)) taken.push({ path, n: content.n });
    if (down.has(path)) response.destroy();
    else response.writeHead(gone.has(path) ? 410 : 204).end();
  };
  await running.api.post('/api/v1/operational-webhook/endpoint', { url: `${running.sink.url}/told` });
}, 120_000);
afterAll(() => running?.end(), 60_000);

const takenAt = (path: string) => taken.filter((one) => one.path === path).map(({ n }) => n);
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const toldOf = (ep: string, type: string) =>
  told.filter((one) => one.type === type && one.data['endpointId'] === ep);

/** Posts messages for so many days. @returns how many */
async function postFor(days: number, app: string): Promise<number> {
  const untilMs = Date.now() + days * DAY_SEC * 1000;
  for (let n = 0; ; n++) {
    if (Date.now() >= untilMs) return n;
    await running.api.post(`/api/v1/app/${app}/msg`, { eventType: 'outage.test', payload: { n } });
  }
}

const show = (app: string, ep: string) =>
  running.api.get<{ disabled: boolean }>(`/api/v1/app/${app}/endpoint/${ep}`).then(({ body }) => body);

describe('an endpoint that is down', () => {
  it('for three days gets everything when it is back, in order where it keeps one', async () => {
    const { api, sink } = running;
    for (const path of ['/plain', '/ordered']) down.add(path);
    const { app, ep } = await api.target(`${sink.url}/plain`);
    const ordered = await api.post<{ id: string }>(`/api/v1/app/${app}/endpoint`, {
      url: `${sink.url}/ordered`,
    });
    await api.call('PUT', `/api/v1/app/${app}/endpoint/${ordered.body.id}/policy`, {
      body: { fifo: { by: 'endpoint' } },
    });
    const count = await postFor(3, app);
    expect(taken).toEqual([]);
    await sink.until(() => toldOf(ep, 'endpoint.failing').length > 0, 20_000, 'the warning');
    expect(toldOf(ep, 'endpoint.failing')[0]!.data).toMatchObject({
      percent: 50,
      disableAt: expect.any(String),
    });
    down.clear();
    await sink.until(
      () => ['/plain', '/ordered'].every((path) => new Set(takenAt(path)).size === count),
      60_000,
      'everything',
    );
    expect(takenAt('/plain').toSorted((a, b) => a - b)).toEqual(numbers(count));
    expect(takenAt('/ordered')).toEqual(numbers(count));
    expect([(await show(app, ep)).disabled, (await show(app, ordered.body.id)).disabled]).toEqual([
      false,
      false,
    ]);
  });

  it('for five days is disabled, its owner was warned twice, and recover sends what it missed', async () => {
    const { api, sink } = running;
    down.add('/gone');
    const { app, ep } = await api.target(`${sink.url}/gone`);
    const count = await postFor(0.5, app);
    await sink.until(() => toldOf(ep, 'endpoint.disabled').length > 0, 60_000, 'told that it is disabled');
    expect(toldOf(ep, 'endpoint.failing').map(({ data }) => data['percent'])).toEqual([50, 75]);
    expect(toldOf(ep, 'endpoint.disabled')[0]!.data).toMatchObject({
      ...{ appId: app, trigger: 'automatic', reason: 'failing', failSince: expect.any(String) },
    });
    const path = `/api/v1/app/${app}/endpoint/${ep}`;
    expect((await show(app, ep)).disabled).toBe(true);
    const states = await api.get<{ data: { state: string }[] }>(
      `/api/v1/app/${app}/delivery?endpoint_id=${ep}&limit=250`,
    );
    expect(new Set(states.body.data.map(({ state }) => state))).toEqual(new Set(['exhausted']));
    down.clear();
    await api.call('PATCH', path, { body: { disabled: false } });
    const since = new Date(Date.now() - 3_600_000).toISOString();
    expect((await api.post(`${path}/recover`, { since })).status).toBe(202);
    await sink.until(() => new Set(takenAt('/gone')).size === count, 60_000, 'everything it missed');
  });
});

describe('what is known about an endpoint', () => {
  const killAll = async () => {
    const names = Object.keys(running.stack.pids());
    await Promise.all(names.map((name) => running.stack.kill(name)));
    for (const server of ['mongodb', 'temporal']) await running.stack.restart(server);
    await Promise.all(['api', 'worker'].map((name) => running.stack.restart(name)));
  };

  it('survives a kill of everything: it is disabled when it was told, and warned of once', async () => {
    const { api, sink } = running;
    down.add('/killed');
    const { app, ep } = await api.target(`${sink.url}/killed`);
    await postFor(0.2, app);
    await sink.until(() => toldOf(ep, 'endpoint.failing').length > 0, 30_000, 'the first warning');
    const disableAtMs = Date.parse(String(toldOf(ep, 'endpoint.failing')[0]!.data['disableAt']));
    await killAll();
    await sink.until(() => toldOf(ep, 'endpoint.disabled').length > 0, 60_000, 'told that it is disabled');
    const half = toldOf(ep, 'endpoint.failing').filter(({ data }) => data['percent'] === 50);
    expect(new Set(half.map(({ id }) => id)).size).toBe(1);
    const { data } = toldOf(ep, 'endpoint.disabled')[0]!;
    expect(Date.parse(String(data['failSince'])) + 5 * DAY_SEC * 1000).toBeCloseTo(disableAtMs, -2);
    expect(Date.now()).toBeGreaterThanOrEqual(disableAtMs);
    expect((await show(app, ep)).disabled).toBe(true);
  });

  it('that is gone (410) is told, and survives a kill of everything', async () => {
    const { api, sink } = running;
    const { app, ep } = await api.target(`${sink.url}/gone-for-good`);
    gone.add('/gone-for-good');
    await api.post(`/api/v1/app/${app}/msg`, { eventType: 'outage.test', payload: { n: 0 } });
    await sink.until(() => toldOf(ep, 'endpoint.disabled').length > 0, 30_000, 'told that it is disabled');
    expect(toldOf(ep, 'endpoint.disabled')[0]!.data).toMatchObject({ appId: app, reason: 'gone' });
    await killAll();
    expect((await show(app, ep)).disabled).toBe(true);
  });
});

describe('an endpoint with a rate or an order', () => {
  it('gets what is sent again by hand in its turn, and shows that it is rate-limited while something waits', async () => {
    const { api, sink } = running;
    const { app, ep } = await api.target(`${sink.url}/rated`, { throttleRate: 5 });
    const path = `/api/v1/app/${app}/endpoint/${ep}`;
    const status = async () => (await api.get<{ status: string }>(`${path}/rate-limit-status`)).body.status;
    const first = await api.post<{ id: string }>(`/api/v1/app/${app}/msg`, {
      ...{ eventType: 'rate.test', payload: { n: 0 } },
    });
    await sink.until(() => takenAt('/rated').length === 1, 20_000, 'the first');
    // Its result is stored after the receiver has answered.
    await until(status, (value) => value === 'Ok', 20_000);
    const items = Array.from({ length: 25 }, (_, n) => ({ eventType: 'rate.test', payload: { n: n + 1 } }));
    await api.post(`/api/v1/app/${app}/msg/batch`, { items });
    const startMs = Date.now();
    expect((await api.post(`/api/v1/app/${app}/msg/${first.body.id}/endpoint/${ep}/resend`, {})).status).toBe(
      202,
    );
    let limited = false;
    while (takenAt('/rated').length < 20) limited = (await status()) === 'RateLimited' || limited;
    expect(limited).toBe(true);
    await sink.until(() => takenAt('/rated').length === 27, 20_000, 'all and the one sent again');
    // 26 at 5/s, of which a second's worth may go at once.
    expect(Date.now() - startMs).toBeGreaterThan(3500);
    await until(status, (value) => value === 'Ok', 20_000);
  });

  it('keeps its order for what is sent again by hand', async () => {
    const { api, sink } = running;
    const { app, ep } = await api.target(`${sink.url}/turns`);
    await api.call('PUT', `/api/v1/app/${app}/endpoint/${ep}/policy`, {
      body: { fifo: { by: 'endpoint' }, breaker: 'off', retrySchedule: [1, 1, 1, 1, 1] },
    });
    const post = (n: number) =>
      api.post<{ id: string }>(`/api/v1/app/${app}/msg`, { eventType: 'turn.test', payload: { n } });
    const first = await post(0);
    await sink.until(() => takenAt('/turns').length === 1, 20_000, 'the first');
    down.add('/turns');
    await post(1);
    const tries = () => sink.arrivals.filter(({ path }) => path === '/turns').length;
    await sink.until(() => tries() >= 2, 20_000, 'a try of the second that fails');
    await api.post(`/api/v1/app/${app}/msg/${first.body.id}/endpoint/${ep}/resend`, {});
    await post(2);
    down.clear();
    await sink.until(() => takenAt('/turns').length === 4, 20_000, 'all and the one sent again');
    expect(takenAt('/turns')).toEqual([0, 0, 1, 2]);
  });
});
