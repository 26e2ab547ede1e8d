import { jest } from '@jest/globals';
import { Svix } from 'svix';
import { Webhook } from 'standardwebhooks';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

interface Problem {
  code: string;
  detail: unknown;
  errors?: { pointer?: string; msg: string }[];
}
interface Delivery {
  state: string;
  reason?: string;
  history: { outcome: string; why: string; error?: string; responseStatusCode: number }[];
}

jest.setTimeout(60_000);

let running: RunningStack;
beforeAll(async () => {
  running = await runningStack({ WEBHOOK_RETRY_SCHEDULE: '0.1,0.1,0.1,0.1,0.1,0.1,0.1' });
}, 120_000);
afterAll(() => running?.end(), 60_000);

const at = (app: string, ep: string) => `/api/v1/app/${app}/endpoint/${ep}/transformation`;
const patch = (path: string, body: unknown) => running.api.call<Problem>('PATCH', path, { body });

async function post(app: string, payload: unknown): Promise<string> {
  const message = await running.api.post<{ id: string }>(`/api/v1/app/${app}/msg`, {
    ...{ eventType: 'order.placed', payload },
  });
  expect(message.status).toBe(202);
  return message.body.id;
}

async function ended(app: string, message: string, ep: string): Promise<Delivery> {
  let last: unknown;
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    const { body } = await running.api.get<{ data: { id: string; state: string; msgId: string }[] }>(
      `/api/v1/app/${app}/delivery?endpoint_id=${ep}`,
    );
    last = body;
    const found = body.data.find((one) => one.msgId === message);
    if (found !== undefined && !['pending', 'retrying'].includes(found.state)) {
      return (await running.api.get<Delivery>(`/api/v1/app/${app}/delivery/${found.id}`)).body;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not ended: ${JSON.stringify(last)}`);
}

describe('the transformation of an endpoint', () => {
  it('makes the body that is sent, and the signature is over what is sent', async () => {
    const { api, sink } = running;
    const { app, ep } = await api.target(`${sink.url}/chat`);
    const code = '$withHeaders({"text": $eventType & ": " & order.title}, {"x-kind": "order"})';
    expect((await api.get(at(app, ep))).body).toEqual({ code: null, enabled: false, updatedAt: null });
    expect((await patch(at(app, ep), { code, enabled: true })).status).toBe(204);
    expect((await api.get(at(app, ep))).body).toMatchObject({ code, enabled: true });
    const id = await post(app, { order: { title: 'Pump 7' } });
    await sink.untilArrived([id], 10_000);
    const arrival = sink.arrivals.find((one) => one.id === id)!;
    expect(arrival.body.toString()).toBe('{"text":"order.placed: Pump 7"}');
    expect(arrival.headers).toMatchObject({ 'x-kind': 'order', 'content-type': 'application/json' });
    const secret = await api.get<{ key: string }>(`/api/v1/app/${app}/endpoint/${ep}/secret`);
    const verified = new Webhook(secret.body.key).verify(arrival.body, arrival.headers as never);
    expect(verified).toEqual({ text: 'order.placed: Pump 7' });
  });

  it('is written and read by the svix package', async () => {
    const { api, sink, stack } = running;
    const { app, ep } = await api.target(sink.url);
    const svix = new Svix(stack.apiKey, { serverUrl: stack.apiUrl });
    await svix.endpoint.transformation.patch(app, ep, { code: '{"text": title}', enabled: true });
    expect(await svix.endpoint.transformation.get(app, ep)).toMatchObject({
      code: '{"text": title}',
      enabled: true,
    });
  });

  it('sends payloads as they are while it is switched off', async () => {
    const { api, sink } = running;
    const { app, ep } = await api.target(`${sink.url}/off`);
    await patch(at(app, ep), { code: '{"text": "other"}', enabled: false });
    const id = await post(app, { n: 1.5 });
    await sink.untilArrived([id], 10_000);
    expect(sink.arrivals.find((one) => one.id === id)!.body.toString()).toBe('{"n":1.5}');
  });

  const wrong: [string, unknown, RegExp, string][] = [
    ['does not parse', { code: '{"a": order.' }, /character \d+/, '/code'],
    ['reads the clock', { code: '{"at": $now()}' }, /\$now is not available.*character \d+/, '/code'],
    ['is empty', { code: '' }, /JSONata/, '/code'],
    ['is enabled without one', { enabled: true }, /no code/, '/enabled'],
  ];
  it.each(wrong)('is refused when it %s', async (_, body, message, pointer) => {
    const { app, ep } = await running.api.target(running.sink.url);
    const answer = await patch(at(app, ep), body);
    expect([answer.status, answer.body.code]).toEqual([422, 'validation']);
    expect(JSON.stringify(answer.body)).toMatch(message);
    expect(JSON.stringify(answer.body)).toContain(pointer.slice(1));
  });

  it('is a failed try when it fails, given up after the third retry; nothing is sent', async () => {
    const { api, sink } = running;
    const { app, ep } = await api.target(`${sink.url}/failing`);
    await patch(at(app, ep), { code: '$uppercase(order.id)', enabled: true });
    const id = await post(app, { order: { id: 7 } });
    const delivery = await ended(app, id, ep);
    expect(delivery).toMatchObject({ state: 'exhausted', reason: 'transform_error' });
    expect(delivery.history).toHaveLength(4);
    expect(delivery.history[0]).toMatchObject({
      why: 'transform_error',
      error: expect.stringMatching(/character \d+/),
      responseStatusCode: 0,
    });
    expect(sink.counts.has(id)).toBe(false);
    const health = await api.get<{ breaker: { state: string } }>(`/api/v1/app/${app}/endpoint/${ep}/policy`);
    expect(health.body).toMatchObject({ circuit: { state: 'closed' } });
  });

  it.each([
    ['never ends', '($f := function($n){ $f($n + 1) }; $f(0))'],
    [
      'takes all memory',
      '($f := function($s,$n){ $n = 0 ? $s : $f($s & $s, $n-1) }; $uppercase($f("abcdefgh", 25)))',
    ],
  ])('that %s fails alone: what follows at other endpoints is delivered', async (_, code) => {
    const { api, sink } = running;
    const bad = await api.target(`${sink.url}/bad`);
    const good = await api.target(`${sink.url}/good`);
    await patch(at(bad.app, bad.ep), { code, enabled: true });
    await patch(at(good.app, good.ep), { code: '{"m": n}', enabled: true });
    const failing = await post(bad.app, { n: 1 });
    const ids = await Promise.all(Array.from({ length: 10 }, (_one, n) => post(good.app, { n })));
    await sink.untilArrived(ids, 10_000);
    expect(await ended(bad.app, failing, bad.ep)).toMatchObject({ reason: 'transform_error' });
    expect(sink.counts.has(failing)).toBe(false);
  });

  it('can be tried without sending', async () => {
    const { api, sink } = running;
    const { app, ep } = await api.target(`${sink.url}/simulated`);
    const tried = { eventType: 'part.used', payload: { n: 1 } };
    const code = '$withHeaders({"n": n + 1, "of": $eventType}, {"x-n": "1"})';
    const { status, body } = await api.post<Problem>(`${at(app, ep)}/simulate`, { ...tried, code });
    expect([status, body]).toEqual([
      200,
      {
        ...{ url: `${sink.url}/simulated`, method: 'POST', cancel: false },
        payload: '{"n":2,"of":"part.used"}',
        headers: { 'x-n': '1' },
      },
    ]);
    const reserved = '$withHeaders({}, {"webhook-id": "forged"})';
    const refused = await api.post<Problem>(`${at(app, ep)}/simulate`, { ...tried, code: reserved });
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      422,
      expect.stringContaining('reserved'),
    ]);
    expect(sink.arrivals.some(({ path }) => path === '/simulated')).toBe(false);
  });
});
