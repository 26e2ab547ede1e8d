import mongoose from 'mongoose';
import { Ordering, Svix } from 'svix';
import { EVENT_CATALOGUE } from '../../../src/contracts/webhooks/event-catalogue.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

interface Problem {
  code: string;
  detail: unknown;
  errors?: { loc: string[]; pointer?: string; type: string }[];
}

let running: RunningStack;
let svix: Svix;
let app: string;
beforeAll(async () => {
  running = await runningStack();
  svix = new Svix(running.stack.apiKey, { serverUrl: running.stack.apiUrl });
  ({ app } = await running.api.target(`${running.sink.url}/hook`));
}, 120_000);
afterAll(() => running?.end(), 60_000);

const post = (eventType: string, payload: unknown) =>
  running.api.post<Problem & { id: string }>(`/api/v1/app/${app}/msg`, { eventType, payload });

describe('the catalogue', () => {
  it('has 14 event types at the first start, each with a schema that its example fits and is delivered with', async () => {
    const { data, done } = await svix.eventType.list({ withContent: true, limit: 50 });
    expect(data).toHaveLength(14);
    expect(done).toBe(true);
    expect(data.map((type) => type.name)).toEqual(EVENT_CATALOGUE.map((type) => type.name).toSorted());
    for (const type of data) {
      const [example] = (type.schemas as Record<string, { examples: object[] }>)['1']!.examples;
      const { status, body } = await post(type.name, example);
      expect([type.name, status]).toEqual([type.name, 202]);
      await running.sink.untilArrived([body.id], 20_000);
      const arrival = running.sink.arrivals.find(({ id }) => id === body.id)!;
      expect(JSON.parse(arrival.body.toString())).toEqual(example);
    }
  }, 60_000);

  it('is not registered again over what was changed, archived or removed', async () => {
    await svix.eventType.patch('inventory.updated', { description: 'ours' });
    await svix.eventType.delete('part.reorder_received');
    await svix.eventType.delete('maintenance.overdue', { expunge: true });
    await running.stack.restart('api');
    expect((await svix.eventType.get('inventory.updated')).description).toBe('ours');
    expect((await svix.eventType.get('part.reorder_received')).archived).toBe(true);
    await expect(svix.eventType.get('maintenance.overdue')).rejects.toMatchObject({ code: 404 });
  }, 60_000);
});

describe('event types through the svix package', () => {
  it('are created, read, replaced, patched, archived, revived and removed', async () => {
    const made = await svix.eventType.create({
      name: 'invoice.paid',
      description: 'An invoice was paid',
      schemas: { 1: { type: 'object', required: ['invoiceId'] } },
      groupName: 'invoice',
      featureFlags: ['beta'],
    });
    expect(made).toMatchObject({
      name: 'invoice.paid',
      archived: false,
      deprecated: false,
      groupName: 'invoice',
    });
    expect(made.createdAt).toBeInstanceOf(Date);
    await expect(svix.eventType.create({ name: 'invoice.paid', description: '' })).rejects.toMatchObject({
      code: 409,
    });
    const patched = await svix.eventType.patch('invoice.paid', { deprecated: true, groupName: null });
    expect(patched).toMatchObject({ deprecated: true, description: 'An invoice was paid' });
    expect(patched.groupName ?? null).toBeNull();
    expect(patched.schemas).toEqual({ 1: { type: 'object', required: ['invoiceId'] } });
    const put = await svix.eventType.upsert('invoice.paid', { description: 'put' });
    expect([put.description, put.deprecated, put.schemas ?? null]).toEqual(['put', false, null]);
    expect((await svix.eventType.upsert('invoice.voided', { description: 'new' })).name).toBe(
      'invoice.voided',
    );

    await svix.eventType.delete('invoice.paid');
    const names = async (query = {}) =>
      (await svix.eventType.list({ limit: 250, ...query })).data.map((type) => type.name);
    expect(await names()).not.toContain('invoice.paid');
    expect(await names({ includeArchived: true })).toContain('invoice.paid');
    expect((await svix.eventType.create({ name: 'invoice.paid', description: 'again' })).archived).toBe(
      false,
    );
    await svix.eventType.delete('invoice.paid', { expunge: true });
    await expect(svix.eventType.get('invoice.paid')).rejects.toMatchObject({ code: 404 });
  }, 60_000);

  it('made by a request whose answer a crash cost are given to its repetition, and to no other request', async () => {
    const create = (idempotencyKey: string) =>
      running.api.call<{ createdAt: string; code?: string }>('POST', '/api/v1/event-type', {
        body: { name: 'made.once', description: 'first' },
        idempotencyKey,
      });
    const first = await create('type-1');
    await forgetAnswers();
    const second = await create('type-1');
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect(second.headers.get('idempotency-replayed')).toBeNull();
    const other = await create('type-2');
    expect([other.status, other.body.code]).toEqual([409, 'conflict']);
  });

  it('are listed by name, forwards and backwards, page by page', async () => {
    const all = (await svix.eventType.list({ limit: 250, includeArchived: true })).data.map(
      ({ name }) => name,
    );
    for (const order of [Ordering.Ascending, Ordering.Descending]) {
      const seen: string[] = [];
      let iterator: string | null = null;
      for (;;) {
        const page = await svix.eventType.list({ limit: 4, includeArchived: true, order, iterator });
        seen.push(...page.data.map(({ name }) => name));
        if (page.done) break;
        iterator = page.iterator;
      }
      expect(seen).toEqual(order === Ordering.Ascending ? all : all.toReversed());
    }
    const second = await svix.eventType.list({ limit: 4, includeArchived: true, iterator: all[3]! });
    const back = await svix.eventType.list({
      limit: 4,
      includeArchived: true,
      iterator: second.prevIterator!,
    });
    expect(back.data.map(({ name }) => name)).toEqual(all.slice(0, 4));
  }, 60_000);

  it('keep a retry schedule of their own', async () => {
    const path = '/api/v1/event-type/work_order.created/retry-schedule';
    const retrySchedule = [
      { secs: 5, nanos: 0 },
      { secs: 600, nanos: 0 },
    ];
    expect((await running.api.call('PUT', path, { body: { retrySchedule } })).body).toEqual({
      retrySchedule,
    });
    expect((await running.api.get(path)).body).toEqual({ retrySchedule });
    const long = { retrySchedule: [{ secs: 90_000, nanos: 0 }] };
    expect((await running.api.call('PUT', path, { body: long })).status).toBe(422);
    expect((await running.api.call('PUT', path, { body: { retrySchedule: null } })).status).toBe(200);
  });
});

describe('an OpenAPI document', () => {
  const specRaw = `
openapi: 3.1.0
webhooks:
  pet.born:
    post:
      description: A pet was born
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } } }
  pet.sold:
    post: { summary: A pet was sold, deprecated: true }
components:
  schemas:
    Pet: { type: object, required: [name], properties: { name: { type: string }, tag: { $ref: '#/components/schemas/Tag' } } }
    Tag: { type: string, maxLength: 3 }
`;

  it('registers its webhooks as event types with schemas that stand alone', async () => {
    const dry = await svix.eventType.importOpenapi({ specRaw, dryRun: true });
    expect(dry.data.toModify?.map(({ name }) => name)).toEqual(['pet.born', 'pet.sold']);
    await expect(svix.eventType.get('pet.born')).rejects.toMatchObject({ code: 404 });
    const done = await svix.eventType.importOpenapi({ specRaw });
    expect(done.data.modified).toEqual(['pet.born', 'pet.sold']);
    expect(await svix.eventType.get('pet.sold')).toMatchObject({
      description: 'A pet was sold',
      deprecated: true,
    });
    expect((await post('pet.born', { name: 'Rex', tag: 'dog' })).status).toBe(202);
    const refused = await post('pet.born', { tag: 'hound' });
    expect(refused.body.errors?.map(({ pointer }) => pointer)).toEqual(['/payload', '/payload/tag']);
  });

  const bomb = `a: &a [x,x]\n${'bcdefgh'
    .split('')
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`)
    .join('\n')}\nwebhooks: {w: {post: {requestBody: {content: {application/json: {schema: {enum: *h}}}}}}}`;
  it.each([
    ['without webhooks', { spec: { openapi: '3.1.0' } }],
    ['that is no document', { specRaw: '[1]' }],
    ['that is not YAML', { specRaw: '{a: [' }],
    ['of aliases that multiply', { specRaw: bomb }],
    ['given twice', { spec: {}, specRaw: '{}' }],
    ['with a name that is none', { spec: { webhooks: { 'a b': { post: {} } } } }],
  ])('%s is refused', async (_, body) => {
    expect((await running.api.post('/api/v1/event-type/import/openapi', body)).status).toBe(422);
  });
});

describe('a schema', () => {
  it('that is wrong is refused with its place', async () => {
    const answer = await running.api.post<Problem>('/api/v1/event-type', {
      name: 'bad.schema',
      description: '',
      schemas: { 1: { properties: { a: { type: 'text' }, b: { $ref: 'https://example.com/x' } } } },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors?.[0]?.pointer).toBe('/schemas/1/properties/b/$ref');
    const pattern = await running.api.post<Problem>('/api/v1/event-type', {
      name: 'bad.pattern',
      description: '',
      schemas: { 1: { properties: { a: { pattern: '(a)\\1' } } } },
    });
    expect(pattern.body.errors?.[0]?.pointer).toBe('/schemas/1/properties/a/pattern');
    expect((await running.api.get('/api/v1/event-type/bad.pattern')).status).toBe(404);
  });

  it('refuses a payload that does not fit, from the moment it is set to the moment it is taken away', async () => {
    const schema = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } };
    await svix.eventType.create({ name: 'checked', description: '' });
    expect((await post('checked', { id: 1 })).status).toBe(202);
    await svix.eventType.patch('checked', { schemas: { 1: {}, 2: schema } });
    const refused = await post('checked', { id: 1 });
    expect([refused.status, refused.body.code]).toEqual([422, 'schema_mismatch']);
    expect(refused.body.errors?.[0]?.pointer).toBe('/payload/id');
    expect(Array.isArray(refused.body.detail)).toBe(true);
    expect((await post('checked', { id: 'x' })).status).toBe(202);
    await svix.eventType.patch('checked', { schemas: null });
    expect((await post('checked', { id: 1 })).status).toBe(202);
    await svix.eventType.patch('checked', { schemas: { 1: schema } });
    await svix.eventType.delete('checked', { expunge: true });
    await svix.eventType.create({ name: 'checked', description: 'anew, without a schema' });
    expect((await post('checked', { id: 1 })).status).toBe(202);
  });

  it('set later does not refuse the repetition of a request that was accepted', async () => {
    await svix.eventType.create({ name: 'later', description: '' });
    const send = () =>
      running.api.call<{ id: string }>('POST', `/api/v1/app/${app}/msg`, {
        body: { eventType: 'later', payload: {} },
        idempotencyKey: 'before-the-schema',
      });
    const first = await send();
    await svix.eventType.patch('later', { schemas: { 1: { required: ['id'] } } });
    expect((await send()).body.id).toBe(first.body.id);
    expect((await post('later', {})).status).toBe(422);
  });
});

describe('an endpoint', () => {
  const create = (eventTypes: string[]) =>
    running.api.post<Problem & { id: string }>(`/api/v1/app/${app}/endpoint`, {
      url: `${running.sink.url}/typed`,
      eventTypes,
    });

  it('may name only event types that exist, or a prefix', async () => {
    const refused = await create(['work_order.created', 'work_order.crated']);
    expect(refused.status).toBe(422);
    expect(refused.body.errors?.map((fault) => fault.pointer)).toEqual(['/eventTypes/1']);
    expect(JSON.stringify(refused.body.detail)).toContain('work_order.crated');
    const { id } = (await create(['work_order.created', 'ahead.*'])).body;
    const patch = await running.api.call('PATCH', `/api/v1/app/${app}/endpoint/${id}`, {
      body: { eventTypes: ['nothing'] },
    });
    expect(patch.status).toBe(422);
  });

  it('keeps an event type from being removed, until it is gone', async () => {
    await svix.eventType.create({ name: 'wanted', description: '' });
    const { id } = (await create(['wanted'])).body;
    const refused = await running.api.call<Problem>('DELETE', '/api/v1/event-type/wanted?expunge=true');
    expect([refused.status, refused.body.code]).toEqual([409, 'in_use']);
    expect((await running.api.call('DELETE', '/api/v1/event-type/wanted')).status).toBe(204);
    await running.api.call('DELETE', `/api/v1/app/${app}/endpoint/${id}`);
    expect((await running.api.call('DELETE', '/api/v1/event-type/wanted?expunge=true')).status).toBe(204);
  });
});

describe('keys', () => {
  it('bound to one application read event types and change none', async () => {
    const { body } = await running.api.post<{ token: string }>('/api/v1/keys', {
      name: 'bound',
      role: 'operator',
      application: app,
    });
    const key = body.token;
    expect((await running.api.call('GET', '/api/v1/event-type', { key })).status).toBe(200);
    const refused = await running.api.call('DELETE', '/api/v1/event-type/work_order.created', { key });
    expect(refused.status).toBe(403);
  });
});

/** Leaves the requests that carried a key as a crash between the write and the answer leaves them. */
async function forgetAnswers(): Promise<void> {
  const client = await mongoose.mongo.MongoClient.connect(running.stack.mongodbUrl);
  try {
    const longAgo = new Date(Date.now() - 3_600_000);
    await client
      .db('holdfast')
      .collection('wh_idem')
      .updateMany({}, { $set: { state: 'running', status: null, body: null, claimedAt: longAgo } });
  } finally {
    await client.close();
  }
}
