import { join } from 'node:path';
import { BackgroundTaskType, Ordering } from 'svix';
import type { Svix } from 'svix';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';
import { SvixDescription } from './svix-description.js';
import { WireRecorder } from './wire-recorder.js';

const APP = 'contract';
const EP = 'main';
const hourAgo = () => new Date(Date.now() - 3_600_000);
const description = new SvixDescription(
  join(process.env['CONFORMANCE_DIR'] ?? '../shared/conformance', 'webhooks/svix-openapi.json'),
);

interface Sdk {
  /** Makes a client of the API with a key. */
  client: (key: string, url: string) => Svix;
  /** How many of the operations called here it has. */
  operations: number;
}

/**
 * Calls everything that the SDK has for webhooks, on a stack of its own, and judges every answer by the public
 * description. @param name and version of the package
 */
export function svixContract(name: string, sdk: Sdk): void {
  let running: RunningStack;
  let wire: WireRecorder;
  let svix: Svix;
  const client = (key: string) => sdk.client(key, wire.url);
  beforeAll(async () => {
    running = await runningStack();
    wire = await WireRecorder.before(running.stack.apiUrl);
    svix = client(running.stack.apiKey);
  }, 120_000);
  afterAll(async () => {
    wire?.end();
    await running?.end();
  }, 60_000);

  describe(`${name}, unmodified, with every answer checked on the wire`, () => {
    it('health and authentication', async () => {
      await svix.health.get();
      await svix.application.create({ name: 'Portal', uid: 'portal' });
      const { token } = await svix.authentication.appPortalAccess('portal', { expiry: 3_600 });
      const customer = client(token);
      expect((await customer.application.get('portal')).uid).toBe('portal');
      await customer.authentication.logout();
      await svix.authentication.expireAll('portal', {});
    });

    it('applications', async () => {
      await svix.application.create({
        name: 'Contract',
        uid: APP,
        throttleRate: 1_000,
        metadata: { a: 'b' },
      });
      await svix.application.getOrCreate({ name: 'other', uid: APP });
      await svix.application.get(APP);
      await svix.application.upsert(APP, { name: 'Contract', uid: APP });
      await svix.application.upsert('made-by-put', { name: 'Put' });
      await svix.application.patch(APP, { name: 'Patched', metadata: {} });
      const first = await svix.application.list({ limit: 1 });
      await svix.application.list({ limit: 1, iterator: first.iterator, order: Ordering.Ascending });
      await svix.application.delete('made-by-put');
      await expect(svix.application.get('made-by-put')).rejects.toMatchObject({ code: 404 });
      await expect(svix.application.create({ name: 'x', uid: APP })).rejects.toMatchObject({ code: 409 });
      await expect(svix.application.create({ name: '' })).rejects.toMatchObject({ code: 422 });
    });

    it('event types', async () => {
      const schemas = {
        1: { type: 'object', properties: { id: { type: 'string' } }, examples: [{ id: 'WO-1' }] },
      };
      await svix.eventType.create({
        name: 'contract.made',
        description: 'made',
        schemas,
        groupName: 'contract',
      });
      await svix.eventType.get('contract.made');
      await svix.eventType.upsert('contract.made', { description: 'put', schemas });
      await svix.eventType.upsert('contract.put', { description: 'new' });
      await svix.eventType.patch('contract.made', { description: 'patched', deprecated: false });
      await svix.eventType.list({ limit: 2, withContent: true, includeArchived: true });
      await svix.eventType.delete('contract.put');
      await svix.eventType.importOpenapi({ spec: IMPORTED });
      await expect(svix.eventType.create({ name: 'contract.made', description: '' })).rejects.toMatchObject({
        code: 409,
      });
    });

    it('endpoints with headers and secrets', async () => {
      await svix.endpoint.create(APP, {
        url: `${running.sink.url}/1`,
        uid: EP,
        description: 'main',
      });
      await svix.endpoint.get(APP, EP);
      await svix.endpoint.upsert(APP, EP, { url: `${running.sink.url}/2`, uid: EP, channels: null });
      await svix.endpoint.upsert(APP, 'spare', { url: `${running.sink.url}/spare` });
      await svix.endpoint.patch(APP, EP, { eventTypes: ['contract.made'], channels: ['a', 'b'] });
      await svix.endpoint.list(APP, { limit: 1, order: Ordering.Descending });
      await svix.endpoint.setHeaders(APP, EP, { headers: { 'x-plant': '7', authorization: 'Bearer hush' } });
      await svix.endpoint.patchHeaders(APP, EP, { headers: { 'x-line': '2' } });
      await svix.endpoint.getHeaders(APP, EP);
      await svix.endpoint.getSecret(APP, EP);
      await svix.endpoint.rotateSecret(APP, EP, {});
      await svix.endpoint.delete(APP, 'spare');
      await expect(svix.endpoint.create(APP, { url: 'nonsense' })).rejects.toMatchObject({ code: 422 });
    });

    it('messages, attempts and statistics', async () => {
      const message = await svix.message.create(APP, {
        eventType: 'contract.made',
        eventId: 'event-1',
        payload: { id: 'WO-1' },
        channels: ['a'],
        tags: ['t'],
        payloadRetentionPeriod: 30,
      });
      await running.sink.untilArrived([message.id], 20_000);
      const attempts = () => svix.messageAttempt.listByMsg(APP, message.id, { withContent: true });
      const attempt = (await found(attempts)).data[0]!;
      await svix.message.get(APP, 'event-1', { withContent: true });
      await svix.message.list(APP, {
        channel: 'a',
        tag: 't',
        eventTypes: ['contract.made'],
        withContent: true,
      });
      await svix.message.precheck(APP, { eventType: 'contract.made', channels: ['a'] });
      await svix.messageAttempt.listByEndpoint(APP, EP, {
        status: 0,
        statusCodeClass: 200,
        withContent: true,
      });
      await svix.messageAttempt.listAttemptedMessages(APP, EP, { withContent: true });
      await svix.messageAttempt.listAttemptedDestinations(APP, message.id);
      await svix.messageAttempt.get(APP, message.id, attempt.id);
      await svix.messageAttempt.resend(APP, message.id, EP);
      await svix.endpoint.sendExample(APP, EP, { eventType: 'contract.made' });
      await svix.endpoint.getStats(APP, EP, { since: hourAgo(), until: new Date() });
      await svix.messageAttempt.expungeContent(APP, message.id, attempt.id);
      await svix.message.expungeContent(APP, message.id);
      if ('bulkExpungeContent' in svix.message)
        await svix.message.bulkExpungeContent(APP, { ids: ['event-1'] });
      const again = { eventType: 'contract.made', eventId: 'event-1', payload: {} };
      await expect(svix.message.create(APP, again)).rejects.toMatchObject({ code: 409 });
      await expect(svix.message.get(APP, 'nobody')).rejects.toMatchObject({ code: 404 });
    }, 60_000);

    it('recovery, replay and background tasks', async () => {
      const { id } = await svix.endpoint.recover(APP, EP, { since: hourAgo() });
      await ended(id); // an endpoint has one open task
      await ended((await svix.endpoint.replayMissing(APP, EP, { since: hourAgo() })).id);
      await svix.endpoint.bulkReplay(APP, EP, { since: hourAgo(), eventTypes: ['contract.made'] });
      await svix.backgroundTask.get(id);
      await svix.backgroundTask.list({
        limit: 2,
        order: Ordering.Descending,
        task: BackgroundTaskType.EndpointRecover,
      });
      await expect(svix.backgroundTask.get(`qtask_${'0'.repeat(27)}`)).rejects.toMatchObject({ code: 404 });
    }, 60_000);

    it('tasks about all applications', async () => {
      const window = { since: hourAgo(), until: new Date() };
      const usage = await svix.statistics.aggregateAppStats({ ...window, appIds: [APP, 'nobody'] });
      expect(usage.unresolvedAppIds).toEqual(['nobody']);
      const started = [
        usage,
        await svix.statistics.aggregateEventTypes(),
        await svix.message.expungeAllContents(APP),
      ];
      for (const { id } of started) expect((await ended(id)).status).toBe('finished');
    }, 60_000);

    it('operational webhooks', async () => {
      const endpoints = svix.operationalWebhook.endpoint;
      const { id } = await endpoints.create({ url: `${running.sink.url}/operational`, uid: 'operational' });
      await endpoints.get(id);
      await endpoints.list({ limit: 10 });
      await endpoints.upsert(id, { url: `${running.sink.url}/operational-2` });
      await endpoints.setHeaders(id, { headers: { 'x-a': 'b' } });
      await endpoints.getHeaders(id);
      await endpoints.getSecret(id);
      await endpoints.rotateSecret(id, {});
      await endpoints.delete(id);
    });

    // The package has no methods for these.
    it('a test attempt, tries over time, OAuth, and a one-time token', async () => {
      const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
        const response = await fetch(`${wire.url}/api/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${running.stack.apiKey}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return (response.status === 204 ? null : await response.json()) as T;
      };
      const tried = await call<{ msgId: string; statusText: string }>(
        'POST',
        `/app/${APP}/endpoint/${EP}/msg/test-attempt`,
        { eventType: 'contract.tested', payload: { id: 'WO-2' } },
      );
      expect(tried).toMatchObject({ statusText: 'success', msg: { eventType: 'contract.tested' } });
      expect(running.sink.counts.get(tried.msgId)).toBe(1);
      const series = `/stats/app/${APP}/attempt?period=FiveMinutes&event_types=contract.tested`;
      const { data } = await once(
        () => call<{ data: { successCount: number[] } }>('GET', series),
        ({ data: { successCount } }) => successCount.at(-1)! + successCount.at(-2)! > 0,
      );
      expect(data.successCount.reduce((a, b) => a + b)).toBe(1);
      const oauth = `/app/${APP}/endpoint/${EP}/oauth`;
      await call('PUT', oauth, {
        ...{ grantType: 'clientCredentials', authMethod: 'clientSecretPost', clientId: 'c' },
        ...{ clientSecret: 's', tokenUrl: `${running.sink.url}/token` },
      });
      expect(await call('GET', oauth)).toMatchObject({ clientId: 'c' });
      expect(await call('GET', `${oauth}-config`)).toMatchObject({ enabled: true });
      await call('DELETE', oauth);
      expect(await call('GET', `${oauth}-config`)).toMatchObject({ enabled: false });
      const { url } = await svix.authentication.appPortalAccess(APP, {});
      const link = Buffer.from(url.split('#key=')[1]!, 'base64url').toString();
      const { oneTimeToken } = JSON.parse(link) as { oneTimeToken: string };
      const { token } = await call<{ token: string }>('POST', '/auth/one-time-token', { oneTimeToken });
      expect((await client(token).application.get(APP)).uid).toBe(APP);
    }, 60_000);

    it('every answer was as the description of the compatible API says', () => {
      expect([...new Set(wire.exchanges.flatMap((exchange) => description.faults(exchange)))]).toEqual([]);
    });

    it(`${sdk.operations} different operations were called`, () => {
      const operations = new Set(wire.exchanges.map((exchange) => description.operationOf(exchange)));
      process.stderr.write(
        `figures: ${name}: ${wire.exchanges.length} calls, ${operations.size} operations\n`,
      );
      expect(operations.size).toBe(sdk.operations);
    });

    it('negative control: an answer without a member that is required is found', () => {
      const exchange = wire.exchanges.find(
        ({ method, path }) => method === 'GET' && path === `/api/v1/app/${APP}`,
      )!;
      const { createdAt: _, ...rest } = JSON.parse(exchange.body) as Record<string, unknown>;
      expect(description.faults({ ...exchange, body: JSON.stringify(rest) })).toHaveLength(1);
    });
  });

  const ended = (task: string) =>
    once(
      () => svix.backgroundTask.get(task),
      ({ status }) => status !== 'running',
    );
}

const IMPORTED = {
  openapi: '3.1.0',
  info: { title: 'Imported', version: '1' },
  webhooks: {
    'contract.imported': {
      post: { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } },
    },
  },
};

/** A list once it has a row: results are written after the receiver has answered. */
const found = <T>(list: () => Promise<{ data: T[] }>) => once(list, ({ data }) => data.length > 0);

const once = <T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> =>
  until(read, holds, 20_000);
