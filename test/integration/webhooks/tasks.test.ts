import { jest } from '@jest/globals';
import { Svix } from 'svix';
import { openApiEvents } from '../../../src/domain/webhooks/event-schema/openapi-events.js';
import { runningStack } from '../../support/running-stack.js';
import type { RunningStack } from '../../support/running-stack.js';
import { until } from '../../support/until.js';

jest.setTimeout(120_000);

interface Task {
  id: string;
  status: string;
  task: string;
  data: Record<string, unknown>;
  code?: string;
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

const task = async (id: string) => (await running.api.get<Task>(`/api/v1/background-task/${id}`)).body;

const ended = (id: string) =>
  until(
    () => task(id),
    ({ status }) => status !== 'running',
    60_000,
  );

/** Sends messages as batches. */
async function send(app: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let left = count; left > 0; left -= 1_000) {
    const items = Array.from({ length: Math.min(left, 1_000) }, (_, n) => ({
      eventType: 'task.test',
      payload: { n },
    }));
    const answer = await running.api.post<{ results: { id: string }[] }>(`/api/v1/app/${app}/msg/batch`, {
      items,
    });
    ids.push(...answer.body.results.map(({ id }) => id));
  }
  return ids;
}

const application = async (uid: string) =>
  (await running.api.post<{ id: string }>('/api/v1/app', { name: uid, uid })).body.id;
const expired = async (app: string, ids: string[]) => {
  let count = 0;
  for (const id of ids) {
    const { payload } = (
      await running.api.get<{ payload: unknown }>(`/api/v1/app/${app}/msg/${id}?with_content=true`)
    ).body;
    if (JSON.stringify(payload) === '{"expired":true}') count++;
  }
  return count;
};

describe('expunge-all-contents', () => {
  it('the svix package, unmodified: all payloads are gone, the messages are not', async () => {
    const app = await application('purged');
    const ids = await send(app, 150);
    const started = await svix.message.expungeAllContents('purged');
    expect(started).toMatchObject({ status: 'running', task: 'application.purge_content' });
    const finished = await ended(started.id);
    expect(finished).toMatchObject({ status: 'finished', data: { messagesPurged: 150, percent: 100 } });
    expect(await expired(app, ids)).toBe(150);
    const later = await send(app, 1);
    expect(await expired(app, later)).toBe(0);
  });

  it('survives kill -9 of the worker, and its count is right', async () => {
    const app = await application('killed');
    const ids = await send(app, 12_000);
    const url = `/api/v1/app/${app}/msg/expunge-all-contents`;
    const { id } = (await running.api.post<Task>(url, {})).body;
    await until(
      () => task(id),
      ({ data }) => Number(data['messagesSeen']) > 0,
      60_000,
    );
    await running.stack.kill('worker', 'SIGKILL');
    const killedAt = Number((await task(id)).data['messagesSeen']);
    process.stderr.write(`figures: purge: killed after ${killedAt} of ${ids.length} messages\n`);
    expect(await ended(id)).toMatchObject({
      ...{ status: 'finished', data: { messagesPurged: 12_000, messagesSeen: 12_000 } },
    });
    expect(
      await expired(
        app,
        ids.filter((_, n) => n % 100 === 0),
      ),
    ).toBe(120);
  });

  it('one at a time for each application, none under legal hold, none with a key that may not write', async () => {
    const app = await application('guarded');
    await send(app, 3);
    const url = `/api/v1/app/${app}/msg/expunge-all-contents`;
    await running.stack.kill('temporal');
    const first = await running.api.post<Task>(url, {});
    expect(first.status).toBe(202);
    const paused = await running.api.post<Task>(`/api/v1/background-task/${first.body.id}/pause`, {});
    expect(paused.body.data['state']).toBe('paused');
    const second = await running.api.post<Task>(url, {});
    expect([second.status, second.body.code, second.body.existing]).toEqual([
      ...[409, 'task_running', first.body.id],
    ]);
    const rate = { body: { ratePerSec: 5 } };
    const refused = await running.api.call<Task>('PATCH', `/api/v1/background-task/${first.body.id}`, rate);
    expect([refused.status, refused.body.errors?.[0]?.pointer]).toEqual([422, '/ratePerSec']);
    await running.api.post<Task>(`/api/v1/background-task/${first.body.id}/cancel`, {});

    await running.api.call('PUT', `/api/v1/app/${app}/retention`, { body: { legalHold: true } });
    const held = await running.api.post<Task>(url, {});
    expect([held.status, held.body.code]).toEqual([409, 'legal_hold']);
    const key = { name: 'reader', role: 'viewer' };
    const reader = (await running.api.post<{ token: string }>('/api/v1/keys', key)).body.token;
    const denied = await running.api.call<Task>('POST', url, { key: reader });
    expect([denied.status, denied.body.code]).toEqual([403, 'insufficient_access']);
  });
});

describe('tasks about all applications', () => {
  it('usage: the tries of each application, as its own statistics say', async () => {
    const target = await running.api.target(`${running.sink.url}/usage`);
    const quiet = await application('quiet');
    const ids = await send(target.app, 20);
    await running.sink.untilArrived(ids, 40_000);
    const window = { since: new Date(Date.now() - 3_600_000), until: new Date(Date.now() + 60_000) };
    const stats = () =>
      running.api.get<{ total_success: number }>(
        `/api/v1/app/${target.app}/stats/attempts?since=${window.since.toISOString()}&until=${window.until.toISOString()}`,
      );
    await until(stats, ({ body }) => body.total_success === 20, 60_000);
    const appIds = [target.app, 'quiet', 'nobody'];
    const started = await svix.statistics.aggregateAppStats({ ...window, appIds });
    expect(started).toMatchObject({ task: 'application.stats', unresolvedAppIds: ['nobody'] });
    const { data } = await ended(started.id);
    const expected = [
      { appId: target.app, appUid: null, messageDestinations: 20 },
      { appId: quiet, appUid: 'quiet', messageDestinations: 0 },
    ];
    expect(data['appStats']).toEqual(expected);
    const all = await svix.statistics.aggregateAppStats(window);
    expect((await ended(all.id)).data['appStats']).toEqual(expect.arrayContaining(expected));
    const none = await running.api.post<Task>('/api/v1/stats/usage/app', { ...window, appIds: ['nobody'] });
    expect([none.status, none.body.errors?.[0]?.pointer]).toEqual([422, '/appIds']);
    const backwards = { since: window.until, until: window.since };
    expect((await running.api.post('/api/v1/stats/usage/app', backwards)).status).toBe(422);
  });

  it('event types: what the endpoints of each application name', async () => {
    for (const name of ['task.a', 'task.b']) await svix.eventType.create({ name, description: name });
    const named = await application('named');
    for (const eventTypes of [['task.b'], ['task.a', 'task.b']]) {
      await svix.endpoint.create(named, { url: `${running.sink.url}/n`, eventTypes });
    }
    const catchAll = await running.api.target(`${running.sink.url}/all`);
    const started = await svix.statistics.aggregateEventTypes();
    expect(started.task).toBe('event-type.aggregate');
    expect((await ended(started.id)).data['event_types']).toEqual(
      expect.arrayContaining([
        {
          appId: named,
          explicitlySubscribedEventTypes: ['task.a', 'task.b'],
          hasCatchAllEndpoint: false,
        },
        { appId: catchAll.app, explicitlySubscribedEventTypes: [], hasCatchAllEndpoint: true },
      ]),
    );
  });

  it('export: an OpenAPI document that can be imported again, and changes nothing then', async () => {
    const before = await svix.eventType.get('work_order.created');
    const { body } = await running.api.post<Task>('/api/v1/event-type/export/openapi', {});
    expect(body.task).toBe('sdk.generate');
    const spec = (await ended(body.id)).data['spec'] as Record<string, unknown>;
    const names = openApiEvents(spec).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['work_order.created', 'maintenance.overdue']));
    const imported = await svix.eventType.importOpenapi({ spec });
    expect(imported.data.modified.toSorted()).toEqual(names.toSorted());
    const after = await svix.eventType.get('work_order.created');
    expect([after.schemas, after.description]).toEqual([before.schemas, before.description]);
  });

  it('broadcast: one message to each application, once, however often it is asked for', async () => {
    const targets = [];
    for (const n of [1, 2, 3]) targets.push(await running.api.target(`${running.sink.url}/broadcast-${n}`));
    const message = { eventType: 'task.broadcast', payload: { text: 'maintenance' }, eventId: 'tonight' };
    const call = () =>
      running.api.call<Task>('POST', '/api/v1/msg/broadcast', { body: message, idempotencyKey: 'once' });
    const { body } = await call();
    expect((await call()).body.id).toBe(body.id);
    const made = (await ended(body.id)).data['messagesCreated'] as { appId: string; msgId: string }[];
    const ids = targets.map(({ app }) => made.find(({ appId }) => appId === app)!.msgId);
    expect(new Set(made.map(({ appId }) => appId)).size).toBe(made.length);
    await running.sink.untilArrived(ids, 40_000);
    const arrived = running.sink.arrivals.filter(({ path }) => path.startsWith('/broadcast-'));
    expect(arrived.map(({ path }) => path).toSorted()).toEqual([
      '/broadcast-1',
      '/broadcast-2',
      '/broadcast-3',
    ]);
    expect(arrived.map(({ body: sent }) => sent.toString())).toEqual(Array(3).fill('{"text":"maintenance"}'));
    const bad = await running.api.post<Task>('/api/v1/msg/broadcast', {
      ...{ eventType: 'work_order.created', payload: { id: 7 } },
    });
    expect([bad.status, bad.body.code]).toEqual([422, 'schema_mismatch']);
  });

  it('a key of one application neither starts them nor sees them', async () => {
    const app = await application('bound');
    const body = { name: 'bound', role: 'operator', application: app };
    const { token: key } = (await running.api.post<{ token: string }>('/api/v1/keys', body)).body;
    for (const [method, path] of [
      ['POST', '/api/v1/stats/usage/app'],
      ['PUT', '/api/v1/stats/usage/event-types'],
      ['POST', '/api/v1/event-type/export/openapi'],
      ['POST', '/api/v1/msg/broadcast'],
    ] as const) {
      expect((await running.api.call(method, path, { key, body: {} })).status).toBe(403);
    }
    const listed = await running.api.call<{ data: Task[] }>('GET', '/api/v1/background-task', { key });
    expect(listed.body.data).toEqual([]);
    const { id } = (await running.api.get<{ data: Task[] }>('/api/v1/background-task')).body.data[0]!;
    expect((await running.api.call('GET', `/api/v1/background-task/${id}`, { key })).status).toBe(404);
  });
});
