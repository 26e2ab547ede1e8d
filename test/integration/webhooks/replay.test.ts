import { jest } from '@jest/globals';
import { BackgroundTaskStatus, BackgroundTaskType, Svix } from 'svix';
import type { BackgroundTaskOut } from '../../../src/contracts/webhooks/background-task.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';

jest.setTimeout(120_000);

type ReplayOut = BackgroundTaskOut & { data: { messagesSent: number } };
interface Problem {
  code: string;
  existing?: string;
  errors?: { pointer?: string }[];
}

let running: RunningStack;
let svix: Svix;
beforeAll(async () => {
  running = await runningStack();
  svix = new Svix(running.stack.apiKey, { serverUrl: running.stack.apiUrl });
}, 120_000);
afterAll(() => running?.end(), 60_000);

/** Sink paths that fail; everything else is taken. */
const broken = new Set<string>();
beforeEach(() => {
  running.sink.answer = ({ path }, response) => void response.writeHead(broken.has(path) ? 500 : 204).end();
});

/** An endpoint that gives up after a second and is never taken for down. */
async function endpointAt(path: string) {
  const target = await running.api.target(`${running.sink.url}${path}`);
  const url = `/api/v1/app/${target.app}/endpoint/${target.ep}`;
  const policy = { retrySchedule: [1], breaker: 'off', concurrency: 100 };
  expect((await running.api.call('PUT', `${url}/policy`, { body: policy })).status).toBe(200);
  return { ...target, url, path };
}

type Target = Awaited<ReturnType<typeof endpointAt>>;

async function send(app: string, count: number): Promise<string[]> {
  const post = async (n: number) => {
    const body = { eventType: 'replay.test', payload: { n } };
    return (await running.api.post<{ id: string }>(`/api/v1/app/${app}/msg`, body)).body.id;
  };
  return Promise.all(Array.from({ length: count }, (_, n) => post(n)));
}

/** Messages whose deliveries to the endpoint are exhausted. */
async function exhausted(target: Target, count: number): Promise<string[]> {
  broken.add(target.path);
  const ids = await send(target.app, count);
  const since = new Date(Date.now() - 3_600_000).toISOString();
  await until(
    () => counted(target, 'recover', since),
    (failed) => failed === count,
    40_000,
  );
  broken.delete(target.path);
  return ids;
}

const hourAgo = () => new Date(Date.now() - 3_600_000);
const counted = async ({ url }: Target, what: string, since = hourAgo().toISOString()) =>
  (await running.api.post<{ count: number }>(`${url}/${what}?dry_run=true`, { since })).body.count;
const task = async (id: string) => (await running.api.get<ReplayOut>(`/api/v1/background-task/${id}`)).body;
const ended = (id: string) =>
  until(
    () => task(id),
    ({ status }) => status !== 'running',
    40_000,
  );
const steer = (id: string, how: string) =>
  running.api.post<BackgroundTaskOut>(`/api/v1/background-task/${id}/${how}`, {});
const tries = (ids: string[], path: string, from = 0) => {
  const arrivals = running.sink.arrivals.slice(from).filter((arrival) => arrival.path === path);
  const counts = new Map<string, number>();
  for (const { id } of arrivals) counts.set(id, (counts.get(id) ?? 0) + 1);
  return ids.map((id) => counts.get(id) ?? 0);
};
const all = (ids: string[], from: number, path: string, timeoutMs = 40_000) =>
  running.sink.until(() => tries(ids, path, from).every((count) => count > 0), timeoutMs, 'all sent again');

describe('the svix package, unmodified', () => {
  it('recovers, replays what is missing, replays in bulk, and follows the tasks', async () => {
    const target = await endpointAt('/sdk');
    const ids = await exhausted(target, 5);
    let from = running.sink.arrivals.length;
    const recover = await svix.endpoint.recover(target.app, target.ep, { since: hourAgo() });
    expect(recover).toMatchObject({ status: 'running', task: 'endpoint.recover' });
    expect(recover.id).toMatch(/^qtask_[A-Za-z0-9]{27}$/);
    await all(ids, from, '/sdk');
    await ended(recover.id);
    const finished = await svix.backgroundTask.get(recover.id);
    expect(finished).toMatchObject({ status: 'finished', task: 'endpoint.recover' });
    expect(finished.data).toMatchObject({
      messagesSent: 5,
      messagesTotal: 5,
      percent: 100,
      state: 'finished',
    });

    const fresh = await svix.endpoint.create(target.app, { url: `${running.sink.url}/fresh` });
    from = running.sink.arrivals.length;
    const missing = await svix.endpoint.replayMissing(target.app, fresh.id, { since: hourAgo() });
    await all(ids, from, '/fresh');
    expect((await ended(missing.id)).data).toMatchObject({ messagesSent: 5 });
    expect(tries(ids, '/sdk', from)).toEqual([0, 0, 0, 0, 0]);

    const bulk = await svix.endpoint.bulkReplay(target.app, fresh.id, {
      ...{ since: hourAgo(), eventTypes: ['replay.test'], status: 0 },
    });
    await running.sink.until(() => tries(ids, '/fresh', from).every((count) => count === 2), 20_000, 'twice');
    expect((await ended(bulk.id)).task).toBe('endpoint.bulk-replay');
    const listed = await svix.backgroundTask.list({
      ...{ task: BackgroundTaskType.EndpointRecover, status: BackgroundTaskStatus.Finished },
    });
    expect(listed.data.map(({ id }) => id)).toContain(recover.id);
    expect((await svix.backgroundTask.list({ status: BackgroundTaskStatus.Failed })).data).toEqual([]);
  });
});

describe('send-example', () => {
  it('sends the example of an event type to this endpoint only, whatever it filters', async () => {
    const target = await endpointAt('/example');
    await running.api.post(`/api/v1/app/${target.app}/endpoint`, { url: `${running.sink.url}/beside` });
    await svix.endpoint.patch(target.app, target.ep, { channels: ['nobody'] });
    const sent = await svix.endpoint.sendExample(target.app, target.ep, { eventType: 'work_order.created' });
    expect(sent).toMatchObject({
      id: expect.stringMatching(/^msg_/) as string,
      eventType: 'work_order.created',
    });
    await running.sink.untilArrived([sent.id], 20_000);
    const arrived = running.sink.arrivals.filter(({ id }) => id === sent.id);
    expect(arrived.map(({ path }) => path)).toEqual(['/example']);
    expect(JSON.parse(arrived[0]!.body.toString())).toEqual(sent.payload);
    const refused = async (body: Record<string, unknown>) => {
      const answer = await running.api.post<Problem>(`${target.url}/send-example`, body);
      return [answer.status, answer.body.errors?.[0]?.pointer];
    };
    expect(await refused({ eventType: 'no.such' })).toEqual([422, '/eventType']);
    expect(await refused({ eventType: 'work_order.created', exampleIndex: -1 })).toEqual([
      422,
      '/exampleIndex',
    ]);
  });
});

describe('a recovery', () => {
  it('that is killed with its worker mid-way ends complete: as many as counted before, none left out', async () => {
    const target = await endpointAt('/killed');
    const ids = await exhausted(target, 400);
    const count = await counted(target, 'recover');
    const from = running.sink.arrivals.length;
    const { body } = await running.api.post<{ id: string }>(`${target.url}/recover`, { since: hourAgo() });
    for (const arrived of [40, 160]) {
      await running.sink.until(() => running.sink.arrivals.length >= from + arrived, 40_000, 'under way');
      expect((await task(body.id)).status).toBe('running');
      await running.stack.kill('worker', 'SIGKILL');
      await running.stack.restart('worker');
    }
    await all(ids, from, '/killed');
    const { data } = await ended(body.id);
    expect(data).toMatchObject({
      state: 'finished',
      messagesSent: 400,
      messagesTotal: 400,
      messagesSkipped: 0,
    });
    expect(count).toBe(400);
    // What was on its way at a kill may be sent once more by the lane, never by the task.
    const repeated = tries(ids, '/killed', from).filter((sent) => sent > 1);
    expect(repeated.length).toBeLessThan(100);
    expect(Math.max(...tries(ids, '/killed', from))).toBeLessThanOrEqual(3);
    expect(await counted(target, 'recover')).toBe(0);
  });

  it('pauses, goes on at another rate, and is canceled; one runs at a time, of whatever kind', async () => {
    const target = await endpointAt('/steered');
    const ids = await exhausted(target, 60);
    const from = running.sink.arrivals.length;
    const start = () =>
      running.api.post<{ id: string } & Problem>(`${target.url}/recover`, { since: hourAgo() });
    const { id } = (await start()).body;
    expect((await steer(id, 'pause')).body).toMatchObject({ status: 'running', data: { state: 'paused' } });
    const second = await start();
    expect([second.status, second.body.code, second.body.existing]).toEqual([409, 'task_running', id]);
    const other = await running.api.post<Problem>(`${target.url}/replay-missing`, { since: hourAgo() });
    expect([other.status, other.body.existing]).toEqual([409, id]);
    const slow = await running.api.call<BackgroundTaskOut>('PATCH', `/api/v1/background-task/${id}`, {
      body: { ratePerSec: 2 },
    });
    expect(slow.body.data).toMatchObject({ ratePerSec: 2, state: 'paused' });
    const before = (await task(id)).data.messagesSent;
    await steer(id, 'resume');
    await until(
      () => task(id),
      ({ data }) => data.messagesSent > before,
      40_000,
    );
    expect((await steer(id, 'cancel')).body).toMatchObject({ status: 'failed', data: { state: 'canceled' } });
    expect((await steer(id, 'cancel')).status).toBe(200);
    const late = await running.api.post<Problem>(`/api/v1/background-task/${id}/resume`, {});
    expect([late.status, late.body.code]).toEqual([409, 'task_ended']);
    const sent = (await task(id)).data.messagesSent;
    expect(sent).toBeLessThan(60);
    const next = await start();
    expect(next.status).toBe(202);
    await all(ids, from, '/steered');
    expect((await ended(next.body.id)).data.messagesSent).toBe(60 - sent);
    expect(tries(ids, '/steered', from)).toEqual(ids.map(() => 1));
  });

  it('is taken while Temporal is away, and carried out when it is back', async () => {
    const target = await endpointAt('/away');
    const ids = await exhausted(target, 3);
    await running.stack.kill('temporal');
    const from = running.sink.arrivals.length;
    const answer = await running.api.post<{ id: string }>(`${target.url}/recover`, { since: hourAgo() });
    expect(answer.status).toBe(202);
    await running.stack.restart('temporal');
    await all(ids, from, '/away', 110_000);
    expect((await ended(answer.body.id)).status).toBe('finished');
  });

  it('asked for twice with one idempotency key is one task', async () => {
    const target = await endpointAt('/twice');
    const body = { since: hourAgo() };
    const call = () =>
      running.api.call<{ id: string }>('POST', `${target.url}/recover`, { body, idempotencyKey: 'r1' });
    expect((await call()).body.id).toBe((await call()).body.id);
  });
});

describe('cancel-msgs', () => {
  it('ends what waits for its next try and was accepted before the time', async () => {
    const target = await running.api.target(`${running.sink.url}/waiting`);
    const url = `/api/v1/app/${target.app}/endpoint/${target.ep}`;
    broken.add('/waiting');
    const ids = await send(target.app, 5);
    const states = async (state: string) => {
      const answer = await running.api.get<{ data: { messageId: string; msgId: string }[] }>(
        `/api/v1/app/${target.app}/delivery?state=${state}&endpoint_id=${target.ep}`,
      );
      return answer.body.data.length;
    };
    await until(
      () => states('retrying'),
      (waiting) => waiting === 5,
      40_000,
    );
    expect((await running.api.post(`${url}/cancel-msgs`, { createdBefore: hourAgo() })).status).toBe(204);
    expect(await states('retrying')).toBe(5);
    await running.api.post(`${url}/cancel-msgs`, { createdBefore: new Date() });
    expect([await states('retrying'), await states('canceled')]).toEqual([0, 5]);
    broken.delete('/waiting');
    expect(await counted({ ...target, url, path: '' }, 'recover')).toBe(0);
    expect(ids).toHaveLength(5);
  });
});

describe('bad input', () => {
  const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const rows: [string, string, Record<string, unknown>, string][] = [
    ['recover without since', 'recover', {}, '/since'],
    ['recover of more than 14 days', 'recover', { since: at(-15) }, '/since'],
    ['recover from the future', 'recover', { since: at(1) }, '/since'],
    ['recover that ends before it begins', 'recover', { since: at(-1), until: at(-2) }, '/since'],
    ['replay-missing of more than 14 days', 'replay-missing', { since: at(-30), until: at(-2) }, '/since'],
    ['replay-missing with a date in words', 'replay-missing', { since: 'yesterday' }, '/since'],
    ['bulk-replay of an unknown status', 'bulk-replay', { since: at(-1), status: 5 }, '/status'],
    [
      'bulk-replay of a class 600',
      'bulk-replay',
      { since: at(-1), statusCodeClass: 600 },
      '/statusCodeClass',
    ],
    ['cancel-msgs without a time', 'cancel-msgs', {}, '/createdBefore'],
  ];
  it.each(rows)('%s is refused, with the member named', async (_, what, body, pointer) => {
    const { app, ep } = await running.api.target(`${running.sink.url}/bad`);
    const answer = await running.api.post<Problem>(`/api/v1/app/${app}/endpoint/${ep}/${what}`, body);
    expect([answer.status, answer.body.code]).toEqual([422, 'validation']);
    expect(answer.body.errors?.map((fault) => fault.pointer)).toContain(pointer);
  });

  it('fourteen days to the minute are taken', async () => {
    const { app, ep } = await running.api.target(`${running.sink.url}/bad`);
    const url = `/api/v1/app/${app}/endpoint/${ep}/recover`;
    expect((await running.api.post(url, { since: at(-14) })).status).toBe(202);
  });

  it('a disabled endpoint is told to be, an unknown task is not found, a rate of zero is refused', async () => {
    const { app, ep } = await running.api.target(`${running.sink.url}/off`, { disabled: true });
    const url = `/api/v1/app/${app}/endpoint/${ep}/recover`;
    const refused = await running.api.post<Problem>(url, { since: at(-1) });
    expect([refused.status, refused.body.code]).toEqual([400, 'endpoint_disabled']);
    const unknown = `/api/v1/background-task/qtask_${'0'.repeat(27)}`;
    expect((await running.api.get(unknown)).status).toBe(404);
    expect((await running.api.get('/api/v1/background-task/nonsense')).status).toBe(422);
    expect((await running.api.call('PATCH', unknown, { body: { ratePerSec: 0 } })).status).toBe(422);
    expect((await running.api.call('PATCH', unknown, { body: { ratePerSec: 5 } })).status).toBe(404);
  });
});
