import { once } from 'node:events';
import http from 'node:http';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

interface Result {
  index: number;
  status: number;
  id?: string;
  replayed?: true;
  problem?: { code: string; existing?: string; errors?: { pointer: string }[] };
}
interface BatchAnswer {
  code: string;
  results: Result[];
}

let running: RunningStack;
let app: string;
let path: string;
beforeAll(async () => {
  running = await runningStack();
  ({ app } = await running.api.target(`${running.sink.url}/hook`));
  path = `/api/v1/app/${app}/msg/batch`;
}, 120_000);
afterAll(() => running?.end(), 60_000);

const message = (n: number, more: object = {}) => ({ eventType: 'batch.test', payload: { n }, ...more });
const messages = (count: number) => Array.from({ length: count }, (_, n) => message(n));
const post = async (items: unknown[]) => running.api.post<BatchAnswer>(path, { items });

describe('a batch', () => {
  it('of 1,000 with 3 bad ones delivers 997 and answers every one in its place', async () => {
    const items: unknown[] = messages(1_000);
    items[3] = { eventType: 'bad type', payload: {} };
    items[500] = 'no message';
    items[999] = message(1, { channels: [] });
    const answer = await post(items);
    expect(answer.status).toBe(202);
    const { results } = answer.body;
    expect(results.map((result) => result.index)).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    const refused = results.filter((result) => result.status !== 202);
    expect(refused.map(({ index, status, problem }) => [index, status, problem?.code])).toEqual([
      [3, 422, 'validation'],
      [500, 422, 'validation'],
      [999, 422, 'validation'],
    ]);
    expect(refused[2]?.problem?.errors?.[0]?.pointer).toBe('/channels');
    const ids = results.flatMap((result) => result.id ?? []);
    expect(new Set(ids).size).toBe(997);
    await running.sink.untilArrived(ids, 60_000);
  }, 90_000);

  it('passes every payload on byte for byte', async () => {
    const payloads = [
      '{"amount":1.50,"big":12345678901234567890,"b":1,"a":2}',
      '{ "text" : "\\u00e9\\n", "list":[ 1e2 ,{} ] }',
      '{"é":"😀"}',
    ];
    const raw = `{"items": [ ${payloads.map((payload) => `{"eventType":"batch.bytes","payload":${payload}}`).join(' ,\n')} ]}`;
    const { body } = await running.api.call<BatchAnswer>('POST', path, { raw });
    const ids = body.results.map((result) => result.id!);
    await running.sink.untilArrived(ids, 20_000);
    const bodies = ids.map((id) => running.sink.arrivals.find((one) => one.id === id)!.body.toString());
    expect(bodies).toEqual(payloads);
  }, 30_000);

  it('of lines (NDJSON) refuses the line that is not JSON and takes the others', async () => {
    const raw = [
      '{"eventType":"batch.line","payload":{"n":1.0}}',
      '{"eventType":"batch.line","payload":',
      '',
      '{"eventType":"a","eventType":"b","payload":{}}',
      '{"eventType":"batch.line","payload":{"n":2}}\r',
    ].join('\n');
    const answer = await running.api.call<BatchAnswer>('POST', path, {
      raw,
      contentType: 'application/x-ndjson',
    });
    expect(answer.status).toBe(202);
    expect(answer.body.results.map(({ status, problem }) => [status, problem?.code])).toEqual([
      [202, undefined],
      [400, 'malformed_json'],
      [400, 'malformed_json'],
      [202, undefined],
    ]);
    const [first] = answer.body.results;
    await running.sink.untilArrived([first!.id!], 20_000);
    expect(running.sink.arrivals.find((one) => one.id === first!.id)!.body.toString()).toBe('{"n":1.0}');
  }, 30_000);

  it('takes an item once by its eventId or its idempotency key, within the batch and after it', async () => {
    const items = [
      message(1, { eventId: 'once' }),
      message(2, { eventId: 'once' }),
      message(3, { idempotencyKey: 'k-3' }),
      message(3, { idempotencyKey: 'k-3' }),
      message(4, { idempotencyKey: 'k-3' }),
    ];
    const first = (await post(items)).body.results;
    expect(first.map(({ status, replayed, problem }) => [status, replayed, problem?.code])).toEqual([
      [202, undefined, undefined],
      [409, undefined, 'conflict'],
      [202, undefined, undefined],
      [202, true, undefined],
      [422, undefined, 'idempotency_key_reused'],
    ]);
    expect(first[1]?.problem?.existing).toBe(first[0]?.id);
    expect(first[3]?.id).toBe(first[2]?.id);
    const again = (await post([items[2]])).body.results[0];
    expect([again?.id, again?.replayed]).toEqual([first[2]?.id, true]);
  });

  it('with an idempotency key gets its answer again', async () => {
    const send = (items: unknown[]) =>
      running.api.call<BatchAnswer>('POST', path, { body: { items }, idempotencyKey: 'batch-1' });
    const first = await send(messages(3));
    const second = await send(messages(3));
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await send(messages(4))).body.code).toBe('idempotency_key_reused');
  });

  it('counts item by item against the rate of the application', async () => {
    const rated = await running.api.post<{ id: string }>('/api/v1/app', { name: 'rated', throttleRate: 10 });
    const url = `/api/v1/app/${rated.body.id}/msg/batch`;
    const { body } = await running.api.post<BatchAnswer>(url, { items: messages(50) });
    const taken = body.results.filter(({ status }) => status === 202).length;
    expect(taken).toBeGreaterThanOrEqual(10);
    expect(taken).toBeLessThanOrEqual(12);
    expect(body.results.at(-1)).toMatchObject({ status: 429, problem: { code: 'rate_limited' } });
  });

  it('checks schemas item by item', async () => {
    const items = [
      { eventType: 'work_order.created', payload: { id: 'WO-1' } },
      { eventType: 'work_order.created', payload: { id: 1 } },
    ];
    const { results } = (await post(items)).body;
    expect(results.map(({ status, problem }) => [status, problem?.code])).toEqual([
      [202, undefined],
      [422, 'schema_mismatch'],
    ]);
  });

  it.each<[string, { raw?: string; body?: unknown; contentType?: string }, number, string]>([
    ['without items', { body: { items: [] } }, 422, 'validation'],
    ['of 1,001 items', { body: { items: messages(1_001) } }, 422, 'validation'],
    ['of 1,001 lines', { raw: '{}\n'.repeat(1_001), contentType: 'application/x-ndjson' }, 422, 'validation'],
    ['of no lines', { raw: '\n\n', contentType: 'application/x-ndjson' }, 422, 'validation'],
    ['whose items are no list', { body: { items: {} } }, 422, 'validation'],
    ['that is not JSON', { raw: '{"items":[' }, 400, 'malformed_json'],
  ])('%s is refused as a whole', async (_, options, status, code) => {
    const answer = await running.api.call<BatchAnswer>('POST', path, options);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('may have 4 MiB, and no byte more', async () => {
    const large = Array.from({ length: 15 }, (_, n) => message(n, { payload: { x: 'y'.repeat(250_000) } }));
    expect((await post(large)).body.results.every(({ status }) => status === 202)).toBe(true);
    const request = http.request(`${running.stack.apiUrl}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${running.stack.apiKey}`,
        'content-type': 'application/json',
        'content-length': 4 * 1_048_576 + 1,
      },
    });
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    request.destroy();
    expect(response.statusCode).toBe(413);
  }, 30_000);

  it('refuses one payload over the limit, not the others', async () => {
    const { results } = (await post([message(1), message(2, { payload: { x: 'y'.repeat(270_000) } })])).body;
    expect(results.map(({ status, problem }) => [status, problem?.code])).toEqual([
      [202, undefined],
      [413, 'payload_too_large'],
    ]);
  });

  it('goes to an application that exists; lines go to batches only', async () => {
    const nobody = await running.api.post<BatchAnswer>('/api/v1/app/nobody/msg/batch', {
      items: messages(1),
    });
    expect(nobody.status).toBe(404);
    const single = await running.api.call<BatchAnswer>('POST', `/api/v1/app/${app}/msg`, {
      raw: JSON.stringify(message(1)),
      contentType: 'application/x-ndjson',
    });
    expect([single.status, single.body.code]).toEqual([415, 'unsupported_media_type']);
  });
});
