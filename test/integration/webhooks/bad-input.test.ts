import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

interface Problem {
  code: string;
  detail: unknown;
  errors?: { loc: string[]; pointer?: string }[];
  existing?: string;
  requestId: string;
}

let running: RunningStack;
let app: string;
beforeAll(async () => {
  running = await runningStack({ WEBHOOK_ALLOW_CIDRS: '127.0.0.1/32' });
  ({ app } = await running.api.target(`${running.sink.url}/hook`, { uid: 'main' }));
}, 120_000);
afterAll(() => running?.end(), 60_000);

const messages = () => `/api/v1/app/${app}/msg`;
const valid = { eventType: 'a.b', payload: { a: 1 } };
const storedMessages = async () =>
  (await running.api.get<{ data: unknown[] }>(`${messages()}?limit=250`)).body.data.length;

describe('bad input', () => {
  const bodies: [string, unknown, string][] = [
    ['an event type with a space', { ...valid, eventType: 'a b' }, '/eventType'],
    ['no event type', { payload: {} }, '/eventType'],
    ['a payload that is not an object', { ...valid, payload: [1] }, '/payload'],
    ['no payload', { eventType: 'a.b' }, '/payload'],
    ['eleven channels', { ...valid, channels: Array.from({ length: 11 }, (_, i) => `c${i}`) }, '/channels'],
    ['six tags', { ...valid, tags: ['1', '2', '3', '4', '5', '6'] }, '/tags'],
    ['an eventId with a slash', { ...valid, eventId: 'a/b' }, '/eventId'],
    ['deliverAt in the past', { ...valid, deliverAt: '2020-01-01T00:00:00Z' }, '/deliverAt'],
  ];
  it.each(bodies)('a message with %s is refused, with the member named', async (_, body, pointer) => {
    const before = await storedMessages();
    const answer = await running.api.post<Problem>(messages(), body);
    expect([answer.status, answer.body.code]).toEqual([422, 'validation']);
    expect(answer.body.errors?.map((fault) => fault.pointer)).toContain(pointer);
    expect(Array.isArray(answer.body.detail)).toBe(true);
    expect(await storedMessages()).toBe(before);
  });

  const urls: [string, string][] = [
    ['relative', '/hook'],
    ['of another scheme', 'ftp://example.com/'],
    ['with credentials', 'http://user:secret@example.com/'],
    ['on a private address', 'http://10.0.0.1/'],
    ['on the metadata address', 'http://169.254.169.254/latest/'],
    ['on a private address in decimal', 'http://167772161/'],
    ['on a mapped private address', 'http://[::ffff:10.0.0.1]/'],
    ['on IPv6 loopback, which is not in the allow list', 'http://[::1]:9/'],
  ];
  it.each(urls)('an endpoint URL %s is refused', async (_, url) => {
    const answer = await running.api.post<Problem>(`/api/v1/app/${app}/endpoint`, { url });
    expect([answer.status, answer.body.code]).toEqual([422, 'validation']);
    expect(answer.body.errors?.[0]?.pointer).toBe('/url');
  });

  it.each([
    ['event types that are no names', { eventTypes: ['a b'] }, '/eventTypes/0'],
    ['no channel in the list', { channels: [] }, '/channels'],
    ['a short secret', { secret: 'whsec_abc' }, '/secret'],
    ['a reserved header', { headers: { Host: 'x' } }, '/headers/Host'],
    ['a header with a line break', { headers: { 'x-a': 'b\r\nc: d' } }, '/headers/x-a'],
    ['a rate of zero', { throttleRate: 0 }, '/throttleRate'],
    ['metadata that the database cannot name', { metadata: { 'a\0b': 'c' } }, '/metadata/a\0b'],
  ])('an endpoint with %s is refused', async (_, members, pointer) => {
    const answer = await running.api.post<Problem>(`/api/v1/app/${app}/endpoint`, {
      url: running.sink.url,
      ...members,
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors?.map((fault) => fault.pointer)).toContain(pointer);
  });

  it('unknown resources answer 404 and unknown routes too; a wrong method 405, a Svix route we lack 501', async () => {
    const codes = async (method: string, path: string) => {
      const answer = await running.api.call<Problem>(method, path);
      return [answer.status, answer.body.code, answer.headers.get('content-type')?.split(';')[0]];
    };
    const problem = 'application/problem+json';
    expect(await codes('GET', '/api/v1/app/nobody')).toEqual([404, 'not_found', problem]);
    expect(await codes('GET', `/api/v1/app/${app}/endpoint/nothing`)).toEqual([404, 'not_found', problem]);
    expect(await codes('GET', '/nowhere')).toEqual([404, 'not_found', problem]);
    expect(await codes('DELETE', messages())).toEqual([405, 'method_not_allowed', problem]);
    expect((await running.api.call('DELETE', messages())).headers.get('allow')).toContain('POST');
    expect(await codes('GET', '/api/v1/stream')).toEqual([501, 'not_implemented', problem]);
  });

  it.each<[string, { raw: string | Buffer; contentType?: string }, number, string]>([
    ['text that is not JSON', { raw: '{"eventType": tru}' }, 400, 'malformed_json'],
    ['nothing', { raw: '' }, 422, 'validation'],
    ['a member twice', { raw: '{"eventType":"a","eventType":"b","payload":{}}' }, 400, 'malformed_json'],
    [
      'bytes that are not UTF-8',
      { raw: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) },
      400,
      'malformed_json',
    ],
    [
      'a form',
      { raw: 'a=b', contentType: 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['a payload over the limit', { raw: oversized(262_145) }, 413, 'payload_too_large'],
    ['a body far over the limit', { raw: oversized(2_000_000) }, 413, 'payload_too_large'],
  ])('a body that is %s is refused', async (_, options, status, code) => {
    const before = await storedMessages();
    const answer = await running.api.call<Problem>('POST', messages(), options);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(await storedMessages()).toBe(before);
  });

  it('names the byte where a body stops being JSON', async () => {
    const answer = await running.api.call<Problem>('POST', messages(), { raw: '{"eventType": tru}' });
    expect(answer.body.detail).toContain('byte 14');
  });

  it('a payload of exactly the limit is accepted', async () => {
    expect((await running.api.call('POST', messages(), { raw: oversized(262_144) })).status).toBe(202);
  });

  it.each([
    ['no key', null, 401, 'authentication_failed'],
    ['a key of another form', 'sk_test', 401, 'authentication_failed'],
    ['an unknown key', `hf_AAAAAAAA_${'A'.repeat(43)}`, 401, 'authentication_failed'],
  ])('%s is refused', async (_, key, status, code) => {
    const answer = await running.api.call<Problem>('POST', messages(), { body: valid, key });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('a viewer may not write, a key of another application sees nothing', async () => {
    const key = async (body: unknown) =>
      (await running.api.post<{ token: string }>('/api/v1/keys', body)).body.token;
    const viewer = await key({ name: 'viewer', role: 'viewer' });
    const refused = await running.api.call<Problem>('POST', messages(), { body: valid, key: viewer });
    expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_access']);
    expect((await running.api.call('GET', messages(), { key: viewer })).status).toBe(200);

    const other = await running.api.post<{ id: string }>('/api/v1/app', { name: 'other' });
    const foreign = await key({ name: 'bound', role: 'operator', application: other.body.id });
    expect((await running.api.call('GET', messages(), { key: foreign })).status).toBe(404);
    expect((await running.api.call('POST', messages(), { key: foreign, body: valid })).status).toBe(404);
    expect((await running.api.call('GET', `/api/v1/app/${other.body.id}`, { key: foreign })).status).toBe(
      200,
    );
  });

  it('unknown members are refused on our own routes and ignored on compatible ones', async () => {
    const own = await running.api.post<Problem>('/api/v1/keys', { name: 'x', colour: 'red' });
    expect([own.status, own.body.code]).toEqual([422, 'validation']);
    expect(own.body.detail).toContain('colour');
    expect((await running.api.post(messages(), { ...valid, colour: 'red' })).status).toBe(202);
  });

  it.each([
    'limit=0',
    'limit=251',
    'limit=x',
    'iterator=msg_1',
    'before=yesterday',
    'before=2026-01-01T00:00:00Z&after=2026-01-02T00:00:00Z',
  ])('the list query %s is refused', async (query) => {
    expect((await running.api.get<Problem>(`${messages()}?${query}`)).body.code).toBe('validation');
  });

  it('nothing of a secret is in any answer', async () => {
    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const created = await running.api.post(`/api/v1/app/${app}/endpoint`, { url: running.sink.url, secret });
    expect(created.status).toBe(201);
    expect(JSON.stringify(created.body)).not.toContain(secret.slice(6));
  });
});

describe('idempotency', () => {
  it('a hundred equal requests at once make one message and get one answer', async () => {
    const send = () =>
      running.api.call<{ id: string }>('POST', messages(), { body: valid, idempotencyKey: 'same-1' });
    const answers = await Promise.all(Array.from({ length: 100 }, send));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202]));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotency-replayed') === null)).toHaveLength(1);
  });

  it('the same key with another body is 422', async () => {
    const send = (body: unknown) =>
      running.api.call<Problem>('POST', messages(), { body, idempotencyKey: 'same-2' });
    expect((await send(valid)).status).toBe(202);
    const other = await send({ ...valid, payload: { a: 2 } });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  it('an eventId is taken once, and the answer names the message that has it', async () => {
    const first = await running.api.post<{ id: string }>(messages(), { ...valid, eventId: 'once' });
    const second = await running.api.post<Problem>(messages(), { ...valid, eventId: 'once' });
    expect([second.status, second.body.code, second.body.existing]).toEqual([409, 'conflict', first.body.id]);
  });

  it('creating an application twice with one key makes one', async () => {
    const send = () =>
      running.api.call<{ id: string }>('POST', '/api/v1/app', {
        body: { name: 'n' },
        idempotencyKey: 'app-1',
      });
    const [first, second] = [await send(), await send()];
    expect(second.body.id).toBe(first.body.id);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });
});

function oversized(payloadBytes: number): string {
  const frame = '{"x":""}';
  return `{"eventType":"a.b","payload":{"x":"${'y'.repeat(payloadBytes - frame.length)}"}}`;
}
