import { jest } from '@jest/globals';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import type { Arrival } from '../../support/webhook-sink.js';

interface Item {
  id: string;
  timestamp: string;
  type: string;
  payload: { n: number; key?: string };
}
interface Try {
  outcome: string;
  responseStatusCode: number;
  error?: string;
  batch?: { id: string; items: number };
}
interface Delivery {
  id: string;
  msgId: string;
  state: string;
  history: Try[];
}

jest.setTimeout(180_000);

let running: RunningStack;
beforeAll(async () => {
  running = await runningStack();
}, 120_000);
afterAll(() => running?.end(), 60_000);
beforeEach(() => {
  running.sink.arrivals.length = 0;
  running.sink.take();
});

const itemsOf = ({ body }: Arrival) => JSON.parse(body.toString()) as Item[];
const arrived = () => running.sink.arrivals.flatMap(itemsOf);
const numbers = (items: readonly Item[]) => items.map(({ payload }) => payload.n);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const countOf = (id: string) => arrived().filter((item) => item.id === id).length;

const untilAllArrived = (ids: readonly string[], timeoutMs: number) =>
  running.sink.until(
    () => {
      const there = new Set(arrived().map(({ id }) => id));
      return ids.every((id) => there.has(id));
    },
    timeoutMs,
    'all messages arrived',
  );

async function target(policy: Record<string, unknown>, endpoint: Record<string, unknown> = {}) {
  const { app, ep } = await running.api.target(running.sink.url, endpoint);
  const path = `/api/v1/app/${app}/endpoint/${ep}`;
  const body = { breaker: 'off', ...policy };
  expect((await running.api.call('PUT', `${path}/policy`, { body })).status).toBe(200);
  return { app, ep, path };
}

async function post(app: string, payload: unknown): Promise<string> {
  const message = { eventType: 'batch.test', payload };
  const answer = await running.api.post<{ id: string }>(`/api/v1/app/${app}/msg`, message);
  expect(answer.status).toBe(202);
  return answer.body.id;
}

/** Accepted in one request, in order. */
async function postAll(app: string, payloads: readonly unknown[]): Promise<string[]> {
  const items = payloads.map((payload) => ({ eventType: 'batch.test', payload }));
  const { body } = await running.api.post<{ results: { id: string }[] }>(`/api/v1/app/${app}/msg/batch`, {
    items,
  });
  return body.results.map(({ id }) => id);
}

/** Of an endpoint, page by page: a page may be short. */
async function listed(app: string, ep: string): Promise<Delivery[]> {
  const found: Delivery[] = [];
  for (let from = ''; ;) {
    const { body } = await running.api.get<{ data: Delivery[]; iterator: string | null; done: boolean }>(
      `/api/v1/app/${app}/delivery?endpoint_id=${ep}&limit=250${from}`,
    );
    found.push(...body.data);
    if (body.done) return found;
    from = `&iterator=${body.iterator}`;
  }
}

async function untilEnded(app: string, ep: string, count: number): Promise<Delivery[]> {
  let last: Delivery[] = [];
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    last = await listed(app, ep);
    const ended = last.filter(({ state }) => !['pending', 'retrying', 'held'].includes(state));
    if (ended.length === count) {
      const one = (id: string) => running.api.get<Delivery>(`/api/v1/app/${app}/delivery/${id}`);
      return Promise.all(ended.map(async ({ id }) => (await one(id)).body));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not ${count} of ${last.length} deliveries ended`);
}

describe('an endpoint that takes messages together', () => {
  it('gets 100 in at most ten requests, each once, as they were accepted and signed as one', async () => {
    const { api, sink } = running;
    const { app, ep, path } = await target({ batch: { max: 100, maxWaitMs: 1000 } });
    const payload = '{"n":1.50, "big":12345678901234567890,"ü":"\\u00e9"}';
    const raw = `{"eventType":"batch.test","payload":${payload}}`;
    const exact = await api.call<{ id: string }>('POST', `/api/v1/app/${app}/msg`, { raw });
    const ids = [exact.body.id, ...(await Promise.all(upTo(99).map((n) => post(app, { n }))))];
    await untilAllArrived(ids, 30_000);
    expect(sink.arrivals.length).toBeLessThanOrEqual(10);
    expect(
      arrived()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids.toSorted());
    expect(sink.arrivals.some(({ body }) => body.includes(`"payload":${payload}}`))).toBe(true);

    const secret = (await api.get<{ key: string }>(`${path}/secret`)).body.key;
    const together = sink.arrivals.find((one) => itemsOf(one).length > 1)!;
    expect(together.id).toMatch(/^batch_[0-9A-Za-z]{27}$/);
    const headers = together.headers as Record<string, string>;
    const genuine = new StandardWebhook(secret).verify(together.body, headers);
    expect(genuine).toHaveLength(itemsOf(together).length);
    expect(() => new SvixWebhook(secret).verify(together.body, headers)).not.toThrow();
    expect(() => new StandardWebhook(secret).verify(`${together.body.toString()} `, headers)).toThrow();

    const all = await untilEnded(app, ep, 100);
    const [inIt] = itemsOf(together);
    const { history } = all.find(({ msgId }) => msgId === inIt!.id)!;
    expect(history).toMatchObject([
      { outcome: 'delivered', batch: { id: together.id, items: itemsOf(together).length } },
    ]);
    const attempts = await api.get<{ data: { id: string }[] }>(`/api/v1/app/${app}/attempt/msg/${inIt!.id}`);
    const sent = await api.get<{ sentHeaders: Record<string, string> }>(
      `/api/v1/app/${app}/msg/${inIt!.id}/attempt/${attempts.body.data[0]!.id}/headers`,
    );
    for (const [name, value] of Object.entries(sent.body.sentHeaders)) {
      expect([name, together.headers[name]]).toEqual([name, value]);
    }
    // Statistics are written once a second.
    const successes = async () => (await api.get<{ success: number }>(`${path}/stats`)).body.success;
    for (const deadline = Date.now() + 15_000; (await successes()) !== 100;) {
      expect(Date.now()).toBeLessThan(deadline);
    }
  });

  it('loses nothing when one message spoils a batch: what failed is sent again one by one', async () => {
    const { sink } = running;
    sink.answer = (arrival, response) => {
      const spoilt = numbers(itemsOf(arrival)).includes(3);
      response.writeHead(spoilt ? 500 : 204).end();
    };
    const { app, ep } = await target({ batch: { max: 10, maxWaitMs: 300 }, retrySchedule: [1, 1] });
    const ids = await postAll(
      app,
      upTo(20).map((n) => ({ n })),
    );
    const all = await untilEnded(app, ep, 20);
    const poisoned = ids[3]!;
    const stateOf = new Map(all.map((one) => [one.msgId, one]));
    expect(ids.filter((id) => stateOf.get(id)!.state !== 'delivered')).toEqual([poisoned]);
    expect(stateOf.get(poisoned)).toMatchObject({ state: 'exhausted' });
    const spoilt = sink.arrivals.filter(
      (one) => itemsOf(one).length > 1 && numbers(itemsOf(one)).includes(3),
    );
    expect(spoilt).toHaveLength(1);
    for (const { id } of itemsOf(spoilt[0]!)) {
      if (id !== poisoned) expect(countOf(id)).toBe(2);
      const tries = stateOf.get(id)!.history.toSorted((a, b) => a.responseStatusCode - b.responseStatusCode);
      expect(tries.filter(({ batch }) => batch !== undefined)).toHaveLength(1);
    }
    // Alone they are arrays still, known by the message.
    const alone = sink.arrivals.filter((one) => itemsOf(one).length === 1);
    expect(alone.length).toBeGreaterThanOrEqual(11);
    for (const one of alone) expect(one.id).toBe(itemsOf(one)[0]!.id);
  });

  it('loses nothing when the worker is killed again and again', async () => {
    const { sink, stack } = running;
    sink.answer = (_, response) => void setTimeout(() => response.writeHead(204).end(), 30);
    const { app } = await target({ batch: { max: 20, maxWaitMs: 200 } });
    const posts: Promise<string>[] = [];
    const load = setInterval(() => posts.push(post(app, { n: posts.length })), 10);
    for (let round = 1; round <= 2; round++) {
      const enough = sink.arrivals.length + 5;
      await sink.until(() => sink.arrivals.length >= enough, 30_000, 'some batches');
      await stack.kill('worker', 'SIGKILL');
      await stack.restart('worker');
    }
    clearInterval(load);
    const ids = await Promise.all(posts);
    await untilAllArrived(ids, 60_000);
    expect(sink.arrivals.length).toBeLessThan(ids.length);
    expect(new Set(arrived().map(({ id }) => id))).toEqual(new Set(ids));
  });

  it('with an order gets it inside each batch and from one to the next, over failures and a kill', async () => {
    const { sink, stack } = running;
    let requests = 0;
    let open = 0;
    let most = 0;
    sink.answer = (_, response) => {
      requests += 1;
      open += 1;
      most = Math.max(most, open);
      const code = requests % 5 === 0 ? 503 : 204;
      setTimeout(() => {
        open -= 1;
        response.writeHead(code).end();
      }, 20);
    };
    const { app } = await target({
      fifo: { by: 'endpoint' },
      batch: { max: 10, maxWaitMs: 100 },
      retrySchedule: [1, 1, 1, 1, 1],
    });
    const ids = await postAll(
      app,
      upTo(100).map((n) => ({ n })),
    );
    await sink.until(() => sink.arrivals.length >= 3, 30_000, 'three batches');
    await stack.kill('worker', 'SIGKILL');
    await stack.restart('worker');
    ids.push(
      ...(await postAll(
        app,
        upTo(60).map((n) => ({ n: 100 + n })),
      )),
    );
    await untilAllArrived(ids, 120_000);
    expect(most).toBe(1);
    const firsts = [...new Set(numbers(arrived()))];
    expect(firsts).toEqual(upTo(160));
    expect(Math.max(...sink.arrivals.map((one) => itemsOf(one).length))).toBe(10);
    for (const one of sink.arrivals) {
      expect(numbers(itemsOf(one))).toEqual(numbers(itemsOf(one)).toSorted((a, b) => a - b));
    }
  });

  it('with an order by key gets several keys together, each in order, and a key that fails holds only itself', async () => {
    const { sink } = running;
    let failures = 3;
    sink.answer = (arrival, response) => {
      const fails = itemsOf(arrival).some(({ payload }) => payload.n === 4) && failures-- > 0;
      response.writeHead(fails ? 500 : 204).end();
    };
    const { app, ep } = await target({
      fifo: { by: { key: '/key' } },
      batch: { max: 8, maxWaitMs: 100 },
      retrySchedule: [1, 1, 1, 1],
    });
    const ids = await postAll(
      app,
      upTo(60).map((n) => ({ n, key: `k${n % 4}` })),
    );
    await untilAllArrived(ids, 60_000);
    await untilEnded(app, ep, 60);
    for (const key of ['k0', 'k1', 'k2', 'k3']) {
      const ofKey = arrived().filter(({ payload }) => payload.key === key);
      const firsts = [...new Set(numbers(ofKey))];
      expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    }
    const last = (key: string) =>
      sink.arrivals.findLastIndex((one) => itemsOf(one).some(({ payload }) => payload.key === key));
    expect(last('k0')).toBeGreaterThan(last('k1'));
    expect(Math.max(...sink.arrivals.map((one) => itemsOf(one).length))).toBe(8);
  });

  it('spends one request of its rate on each batch', async () => {
    const { sink } = running;
    const { app } = await target({ batch: { max: 50, maxWaitMs: 100 } }, { throttleRate: 2 });
    const started = Date.now();
    const ids = await postAll(
      app,
      upTo(200).map((n) => ({ n })),
    );
    await untilAllArrived(ids, 30_000);
    expect(sink.arrivals.length).toBeLessThanOrEqual(8);
    expect(Date.now() - started).toBeLessThan(10_000);
    const gaps = sink.arrivals.slice(2).map(({ atMs }, n) => atMs - sink.arrivals[n]!.atMs);
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(450);
  });

  it('gets each message transformed for itself; one whose transformation fails does not keep the others', async () => {
    const { api, sink } = running;
    const { app, ep, path } = await target({
      batch: { max: 10, maxWaitMs: 500 },
      retrySchedule: [1],
    });
    const code = 'n = 2 ? $error("two") : $withHeaders({"n": n * 10}, n > 5 ? {"x-kind": "large"} : {})';
    expect(
      (await api.call('PATCH', `${path}/transformation`, { body: { code, enabled: true } })).status,
    ).toBe(204);
    const ids = await postAll(
      app,
      upTo(10).map((n) => ({ n })),
    );
    const all = await untilEnded(app, ep, 10);
    expect(numbers(arrived()).toSorted((a, b) => a - b)).toEqual([0, 10, 30, 40, 50, 60, 70, 80, 90]);
    const faulty = all.find(({ msgId }) => msgId === ids[2])!;
    expect(faulty.state).toBe('exhausted');
    for (const one of sink.arrivals) {
      const isLarge = numbers(itemsOf(one)).map((n) => n > 50);
      expect(new Set(isLarge).size).toBe(1);
      expect(one.headers['x-kind']).toBe(isLarge[0] ? 'large' : undefined);
    }
    expect(sink.arrivals.length).toBeLessThanOrEqual(5);
  });

  it('gets no body of more than 1 MiB', async () => {
    const { sink } = running;
    const { app } = await target({ batch: { max: 100, maxWaitMs: 500 } });
    const text = 'x'.repeat(100_000);
    const ids = await Promise.all(upTo(25).map((n) => post(app, { n, text })));
    await untilAllArrived(ids, 30_000);
    expect(Math.max(...sink.arrivals.map(({ body }) => body.length))).toBeLessThanOrEqual(1024 * 1024);
    expect(arrived()).toHaveLength(25);
    expect(sink.arrivals.length).toBeLessThanOrEqual(8);
  });
});
