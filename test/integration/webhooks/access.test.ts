import { jest } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Svix } from 'svix';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';

jest.setTimeout(60_000);

interface Problem {
  code: string;
  errors?: { pointer?: string }[];
}
interface Made {
  id: string;
  token: string;
}

let running: RunningStack;
let mine: { app: string; ep: string };
let other: { app: string; ep: string };
let message: string;
beforeAll(async () => {
  running = await runningStack({ LOG_LEVEL: 'trace' });
  mine = await running.api.target(`${running.sink.url}/mine`);
  other = await running.api.target(`${running.sink.url}/other`);
  const sent = await running.api.post<{ id: string }>(`/api/v1/app/${other.app}/msg`, {
    ...{ eventType: 'a.b', payload: {} },
  });
  message = sent.body.id;
}, 120_000);
afterAll(() => running?.end(), 60_000);

const makeKey = async (body: Record<string, unknown>) =>
  (await running.api.post<Made>('/api/v1/keys', { name: 'test', ...body })).body;
const portal = async (app: string, body: Record<string, unknown> = {}) =>
  (await running.api.post<{ token: string; url: string }>(`/api/v1/auth/app-portal-access/${app}`, body))
    .body;

/** Every operation of the description whose path fits, with the ids of the other application in it. */
function operations(fits: (path: string) => boolean): [string, string][] {
  const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as { paths: Record<string, object> };
  const values: Record<string, string> = {
    ...{ app_id: other.app, endpoint_id: other.ep, msg_id: message, task_id: `qtask_${'0'.repeat(27)}` },
  };
  return Object.entries(paths)
    .filter(([path]) => fits(path))
    .flatMap(([path, item]) =>
      Object.keys(item).map((method): [string, string] => [
        method.toUpperCase(),
        path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'x'),
      ]),
    );
}

/** A body that every route takes as far as it checks it before it looks for what the path names. */
const BODY = {
  ...{ name: 'x', url: 'https://example.com/', since: new Date(Date.now() - 60_000).toISOString() },
  ...{ createdBefore: new Date().toISOString(), eventType: 'a.b', payload: {}, headers: {}, items: [] },
};
const statuses = async (list: [string, string][], key: string) => {
  const answers: string[] = [];
  for (const [method, path] of list) {
    const body = method === 'GET' || method === 'DELETE' ? {} : { body: BODY };
    const { status } = await running.api.call(method, path, { key, ...body });
    answers.push(`${method} ${path} ${status}`);
  }
  return answers;
};

describe('roles', () => {
  it('a viewer may not write by any route', async () => {
    const { token } = await makeKey({ role: 'viewer' });
    const writes = operations((path) => path.startsWith('/api/v1/')).filter(
      ([method, path]) => method !== 'GET' && method !== 'HEAD' && !path.endsWith('/auth/logout'),
    );
    expect(writes.length).toBeGreaterThan(25);
    // Routes that only read whatever their method: they are open to whoever may read.
    const allowed = (await statuses(writes, token)).filter((line) => !line.endsWith(' 403'));
    expect(allowed.filter((line) => !READS_BY_POST.test(line) && !SIGNED.test(line))).toEqual([]);
  });

  it('a viewer does not see signing secrets, an operator does, only an admin makes keys', async () => {
    const secret = `/api/v1/app/${mine.app}/endpoint/${mine.ep}/secret`;
    const status = async (role: string, path: string) =>
      (await running.api.call('GET', path, { key: (await makeKey({ role })).token })).status;
    expect([await status('viewer', secret), await status('operator', secret)]).toEqual([403, 200]);
    expect([await status('operator', '/api/v1/keys'), await status('admin', '/api/v1/keys')]).toEqual([
      403, 200,
    ]);
  });
});

/** Asks for a signature, or for a token in the body, not for a key. */
const SIGNED = /^POST \/api\/v1\/(inbound\/x 404|auth\/one-time-token 422)$/;
const READS_BY_POST =
  /^(POST|PUT) \S+\/(precheck\/active|search|simulate|stats\/usage\/(app|event-types)|export\/openapi) /;

describe('a token of one application', () => {
  it('is told of no other that it exists: every route under a foreign one answers 404', async () => {
    const { token } = await makeKey({ role: 'admin', application: mine.app });
    const foreign = operations((path) => path.includes('{app_id}'));
    expect(foreign.length).toBeGreaterThan(25);
    const unknown = foreign.map(([method, path]): [string, string] => [
      method,
      path.replace(other.app, 'nobody'),
    ]);
    const answers = await statuses(foreign, token);
    // Whatever an answer is, it is the same as for an application that is not there.
    expect(answers.map((line) => line.replace(other.app, 'nobody'))).toEqual(await statuses(unknown, token));
    const odd = answers.filter((line) => !/ (404|403|422)$/.test(line));
    expect(odd).toEqual([]);
    expect(answers.filter((line) => line.endsWith(' 404')).length).toBeGreaterThan(answers.length / 2);
  });

  it('does not change what belongs to all: event types', async () => {
    const { token } = await makeKey({ role: 'admin', application: mine.app });
    const call = (method: string, body?: unknown) =>
      running.api.call(method, '/api/v1/event-type', { key: token, ...(body === undefined ? {} : { body }) });
    expect((await call('GET')).status).toBe(200);
    expect((await call('POST', { name: 'x.y', description: '' })).status).toBe(403);
  });

  it('sees its own tasks only, and lists its own application only', async () => {
    const { token } = await makeKey({ role: 'operator', application: mine.app });
    const since = new Date(Date.now() - 60_000).toISOString();
    const started = await running.api.post<Made>(`/api/v1/app/${other.app}/endpoint/${other.ep}/recover`, {
      since,
    });
    const path = `/api/v1/background-task/${started.body.id}`;
    expect((await running.api.get(path)).status).toBe(200);
    expect((await running.api.call('GET', path, { key: token })).status).toBe(404);
    expect((await running.api.call('POST', `${path}/cancel`, { key: token })).status).toBe(404);
    const list = async (of: string) =>
      (await running.api.call<{ data: { id: string }[] }>('GET', of, { key: token })).body.data;
    expect(await list('/api/v1/background-task')).toEqual([]);
    expect((await list('/api/v1/app')).map(({ id }) => id)).toEqual([mine.app]);
  });

  it('cannot give itself more: no key for another application, none with a scope it has not', async () => {
    const bound = await makeKey({ role: 'admin', application: mine.app });
    const make = (key: string, body: Record<string, unknown>) =>
      running.api.call<Problem & Made>('POST', '/api/v1/keys', { key, body: { name: 'x', ...body } });
    expect((await make(bound.token, { role: 'admin' })).status).toBe(403);
    expect((await make(bound.token, { role: 'viewer', application: other.app })).status).toBe(422);
    expect((await make(bound.token, { role: 'viewer', application: mine.app })).status).toBe(201);
    const narrow = await makeKey({ role: 'admin', scopes: ['keys:write', 'keys:read'] });
    const widened = await make(narrow.token, { role: 'admin' });
    expect([widened.status, widened.body.code]).toEqual([403, 'insufficient_access']);
    const organisation = await makeKey({ role: 'viewer' });
    expect(
      (await running.api.call('DELETE', `/api/v1/keys/${organisation.id}`, { key: bound.token })).status,
    ).toBe(404);
  });
});

describe('a token for a customer', () => {
  const asCustomer = (token: string) => new Svix(token, { serverUrl: running.stack.apiUrl });
  const svix = () => asCustomer(running.stack.apiKey);
  const url = () => `${running.sink.url}/portal`;

  it('looks after endpoints of its application, but sends no messages; the svix package makes it', async () => {
    const access = await svix().authentication.appPortalAccess(mine.app, { expiry: 3600 });
    expect(access.url).toContain(`${running.stack.apiUrl}/#key=`);
    const customer = asCustomer(access.token);
    const endpoint = await customer.endpoint.create(mine.app, { url: url() });
    expect((await customer.endpoint.getSecret(mine.app, endpoint.id)).key).toMatch(/^whsec_/);
    expect((await customer.application.get(mine.app)).id).toBe(mine.app);
    await customer.endpoint.recover(mine.app, endpoint.id, { since: new Date(Date.now() - 60_000) });
    await expect(customer.message.create(mine.app, { eventType: 'a', payload: {} })).rejects.toMatchObject({
      code: 403,
    });
    await expect(customer.application.patch(mine.app, { name: 'x' })).rejects.toMatchObject({ code: 403 });
    await expect(customer.endpoint.list(other.app)).rejects.toMatchObject({ code: 404 });
  });

  it('does what its capabilities say', async () => {
    const status = async (body: Record<string, unknown>, method: string, path: string) => {
      const { token } = await portal(mine.app, body);
      const options = { key: token, ...(method === 'GET' ? {} : { body: { url: url() } }) };
      return (await running.api.call(method, `/api/v1/app/${mine.app}/${path}`, options)).status;
    };
    const secret = `endpoint/${mine.ep}/secret`;
    expect(await status({ readOnly: true }, 'GET', 'endpoint')).toBe(200);
    expect(await status({ readOnly: true }, 'POST', 'endpoint')).toBe(403);
    expect(await status({ readOnly: true }, 'GET', secret)).toBe(403);
    expect(await status({ capabilities: ['ViewBase', 'ViewEndpointSecret'] }, 'GET', secret)).toBe(200);
    expect(
      await status({ capabilities: ['ViewBase', 'ViewEndpointSecret'] }, 'POST', `${secret}/rotate`),
    ).toBe(403);
    expect(await status({ capabilities: ['ViewBase', 'ManageEndpoint'] }, 'POST', 'endpoint')).toBe(201);
  });

  it('comes with a link that is worth one token, once, and lets nobody in by itself', async () => {
    const link = async (body: Record<string, unknown>) => {
      const { url } = await portal(mine.app, body);
      const key = Buffer.from(url.split('#key=')[1]!, 'base64url').toString();
      return (JSON.parse(key) as { oneTimeToken: string }).oneTimeToken;
    };
    const exchange = (oneTimeToken: string) =>
      running.api.call<{ token: string; capabilities: string[]; code: string }>(
        ...(['POST', '/api/v1/auth/one-time-token', { key: null, body: { oneTimeToken } }] as const),
      );
    const capabilities = ['ViewBase', 'CreateAttempts'];
    const once = await link({ capabilities });
    expect((await running.api.call('GET', `/api/v1/app/${mine.app}`, { key: once })).status).toBe(401);
    const answers = await Promise.all([1, 2, 3].map(() => exchange(once)));
    const [good, ...refused] = answers.toSorted((a, b) => a.status - b.status);
    expect(good).toMatchObject({ status: 200, body: { capabilities } });
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual(
      refused.map(() => [401, 'authentication_failed']),
    );
    const customer = asCustomer(good!.body.token);
    expect((await customer.application.get(mine.app)).id).toBe(mine.app);
    await expect(customer.endpoint.create(mine.app, { url: url() })).rejects.toMatchObject({ code: 403 });
    const ended = await link({ sessionId: 'linked' });
    await svix().authentication.expireAll(mine.app, { sessionIds: ['linked'] });
    expect((await exchange(ended)).status).toBe(401);
    expect((await exchange(good!.body.token)).status).toBe(401);
  });

  it('ends when it logs out, when its session is ended, and when all are', async () => {
    const works = async (token: string) =>
      (await running.api.call('GET', `/api/v1/app/${mine.app}`, { key: token })).status === 200;
    const [first, alice, bob] = [
      ...[await portal(mine.app), await portal(mine.app, { sessionId: 'alice' })],
      await portal(mine.app, { sessionId: 'bob' }),
    ];
    await asCustomer(first!.token).authentication.logout();
    expect([await works(first!.token), await works(alice!.token)]).toEqual([false, true]);
    await svix().authentication.expireAll(mine.app, { sessionIds: ['alice'] });
    expect([await works(alice!.token), await works(bob!.token)]).toEqual([false, true]);
    await svix().authentication.expireAll(mine.app, { expiry: 60 });
    expect(await works(bob!.token)).toBe(true);
    await svix().authentication.expireAll(mine.app, {});
    expect(await works(bob!.token)).toBe(false);
    await expect(svix().authentication.logout()).rejects.toMatchObject({ code: 403 });
  });

  it('can come with its application, and is not kept in the list of keys', async () => {
    const made = await portal('new-customer', { application: { name: 'New' } });
    const app = await asCustomer(made.token).application.get('new-customer');
    expect(app.name).toBe('New');
    const keys = await running.api.get<{ data: { name: string }[] }>('/api/v1/keys');
    expect(keys.body.data.filter(({ name }) => name.startsWith('portal'))).toEqual([]);
    const nobody = await running.api.post<Problem>('/api/v1/auth/app-portal-access/nobody', {});
    expect([nobody.status, nobody.body.code]).toEqual([404, 'not_found']);
  });

  it.each([
    ['an expiry of a second', { expiry: 1 }, '/expiry'],
    ['an unknown capability', { capabilities: ['RuleTheWorld'] }, '/capabilities/0'],
    ['a session with a space', { sessionId: 'a b' }, '/sessionId'],
  ])('with %s is refused', async (_, body, pointer) => {
    const answer = await running.api.post<Problem>(`/api/v1/auth/app-portal-access/${mine.app}`, body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors?.map((fault) => fault.pointer)).toContain(pointer);
  });
});

describe('a key that expires', () => {
  it('works until then', async () => {
    const { token } = await makeKey({ role: 'viewer', expiresAt: new Date(Date.now() + 2000).toISOString() });
    const status = async () => (await running.api.call('GET', '/api/v1/app', { key: token })).status;
    expect(await status()).toBe(200);
    const deadline = Date.now() + 10_000;
    while ((await status()) === 200 && Date.now() < deadline)
      await new Promise((wait) => setTimeout(wait, 100));
    expect(await status()).toBe(401);
    const late = await running.api.post('/api/v1/keys', { name: 'x', expiresAt: '2020-01-01T00:00:00Z' });
    expect(late.status).toBe(422);
  });
});

/** A history as text: what goes in and out of workflows stands in it in base64. */
const readable = (history: unknown) =>
  JSON.stringify(history).replace(/"data":"([^"]*)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString('utf8'),
  );

describe('secrets', () => {
  it('are in no log, no workflow history and no problem', async () => {
    const planted = `PLANTED${Date.now()}`;
    const secret = `whsec_${Buffer.from(`${planted}0123456789abcdef`).toString('base64')}`;
    const target = await running.api.target(`${running.sink.url}/planted?token=${planted}`, {
      ...{ secret, headers: { authorization: `Bearer ${planted}` } },
    });
    const { token } = await portal(target.app);
    running.sink.fail();
    const body = { eventType: 'a.b', payload: { card: planted } };
    const { body: sent } = await running.api.post<Made>(`/api/v1/app/${target.app}/msg`, body);
    await running.sink.untilArrived([sent.id], 20_000);
    await running.api.post(`/api/v1/app/${target.app}/msg/${sent.id}/endpoint/${target.ep}/resend`, {});
    await running.sink.until(() => running.sink.counts.get(sent.id)! > 1, 20_000, 'the resend');
    const problems = [
      await running.api.call('POST', `/api/v1/app/${target.app}/endpoint`, {
        body: { url: 'x', secret: `${secret}!` },
      }),
      await running.api.call('GET', `/api/v1/app/${target.app}`, { key: `${token}x` }),
    ];
    const logs = join(running.stack.dataDir, 'logs');
    const files = readdirSync(logs).map((file) => readFileSync(join(logs, file), 'utf8'));
    expect(files.join('')).toContain('"level"'); // they are the logs
    const history = await import('@temporalio/client').then(async ({ Client, Connection }) => {
      const connection = await Connection.connect({ address: running.stack.temporalAddress });
      const { workflow } = new Client({ connection });
      const histories: string[] = [];
      for await (const { workflowId } of workflow.list({ query: `TenantId = '${target.app}'` })) {
        histories.push(readable(await workflow.getHandle(workflowId).fetchHistory()));
      }
      await connection.close();
      return histories.join('');
    });
    expect(history).toContain(target.ep);
    const everything = [...files, history, JSON.stringify(problems)].join('');
    for (const text of [
      planted,
      secret.slice(6),
      Buffer.from(planted).toString('base64').slice(0, 20),
      token.slice(12),
    ]) {
      expect(everything.includes(text)).toBe(false);
    }
  });
});
