import { jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { replayId } from '../../../src/contracts/webhooks/replay.js';
import type { ReplayFilter, ReplayKind, ReplayProgress } from '../../../src/contracts/webhooks/replay.js';
import { replayStart } from '../../../src/contracts/webhooks/replay-start.js';
import { deliveryRows } from '../../../src/store/webhooks/delivery-rows.js';
import type { DeliveryRow } from '../../../src/store/webhooks/delivery.schema.js';
import type { EndpointRow } from '../../../src/store/webhooks/endpoint.schema.js';
import type { MessageRow } from '../../../src/store/webhooks/message.schema.js';
import { replaySources } from '../../../src/store/webhooks/replay/replay-sources.js';
import { newTask, TaskRepository } from '../../../src/store/webhooks/task/task.repository.js';
import type { ReplayTaskRow } from '../../../src/store/webhooks/task/task.schema.js';
import type { WebhookServices } from '../../../src/workers/webhook-services.js';
import type { DeliverySide } from '../../support/delivery-side.js';
import { continuedRun, recordHistory } from '../../support/record-history.js';
import { deliveryWorker } from '../../support/temporal-worker.js';
import type { DeliveryWorker } from '../../support/temporal-worker.js';
import { WebhookSink } from '../../support/webhook-sink.js';

jest.setTimeout(60_000);

let worker: DeliveryWorker;
let side: DeliverySide;
let sink: WebhookSink;
let services: WebhookServices;
let tasks: TaskRepository;

beforeAll(async () => {
  worker = await deliveryWorker([3600]);
  ({ side, services } = worker);
  tasks = new TaskRepository(side.models);
  await worker.dispatch();
}, 120_000);
afterAll(() => worker.end());
beforeEach(async () => {
  sink = await WebhookSink.start();
});
afterEach(() => sink.close());

const workflow = (id: string): WorkflowHandle => side.temporal.client.workflow.getHandle(replayId(id));
const state = (task: ReplayTaskRow) => tasks.find(task._id) as Promise<ReplayTaskRow | null>;

/** Messages whose deliveries to an endpoint have ended. */
async function endedDeliveries(
  endpoint: EndpointRow,
  count: number,
  end: Partial<DeliveryRow> = { state: 'exhausted', reason: 'http_500' },
): Promise<MessageRow[]> {
  const messages = await side.accept([endpoint], count, false);
  const rows = messages.flatMap(deliveryRows).map((row) => {
    const { q: _, ...ended } = row;
    return { ...ended, n: 8, rev: 9, ...end };
  });
  await side.models.deliveries.collection.insertMany(rows as never);
  return messages;
}

async function stored(
  kind: ReplayKind,
  endpoint: EndpointRow,
  members: Partial<ReplayTaskRow> = {},
  narrowed: Partial<ReplayFilter> = {},
) {
  const filter: ReplayFilter = {
    ...{ since: new Date(Date.now() - 3_600_000), until: new Date() },
    ...{ eventTypes: null, channel: null, tag: null, status: null, statusCodeClass: null, ...narrowed },
  };
  const task = { ...newTask({ app: side.app, ep: endpoint._id, kind, filter }), ...members };
  return (await tasks.start(task)).row;
}

async function started(
  kind: ReplayKind,
  endpoint: EndpointRow,
  members: Partial<ReplayTaskRow> = {},
  narrowed: Partial<ReplayFilter> = {},
) {
  const task = await stored(kind, endpoint, members, narrowed);
  const { type, options } = replayStart({
    ...{ taskId: task._id, appId: task.app, endpointId: task.ep, title: `${kind} ${endpoint.url}` },
  });
  await side.temporal.client.workflow.start(type, options);
  return task;
}

const arrivals = (messages: MessageRow[]) => messages.map(({ _id }) => sink.counts.get(_id) ?? 0);
const once = (messages: MessageRow[]) => messages.map(() => 1);

describe('webhookReplay', () => {
  it('recovers what failed, at its rate, with the same webhook-id and a schedule that starts anew', async () => {
    const endpoint = await side.endpoint(sink.url);
    const messages = await endedDeliveries(endpoint, 100);
    const delivered = await endedDeliveries(endpoint, 5, { state: 'delivered' });
    const canceled = await endedDeliveries(endpoint, 5, {
      state: 'canceled',
      reason: 'canceled_by_operator',
    });
    const disabled = await endedDeliveries(endpoint, 10, { state: 'canceled', reason: 'endpoint_disabled' });
    const begin = Date.now();
    const task = await started('endpoint.recover', endpoint);
    expect(await workflow(task._id).result()).toBe('finished');
    await sink.untilArrived(
      [...messages, ...disabled].map(({ _id }) => _id),
      20_000,
    );
    const seconds = (Date.now() - begin) / 1000;
    expect(seconds).toBeGreaterThan(2); // 110 messages, 50 a second
    expect(await state(task)).toMatchObject({ state: 'finished', total: 110, sent: 110, skipped: 0 });
    expect(arrivals([...messages, ...disabled])).toEqual(once([...messages, ...disabled]));
    expect(arrivals([...delivered, ...canceled])).toEqual([...delivered, ...canceled].map(() => 0));
    const row = await side.untilState(messages[0]!, endpoint, 'delivered');
    expect(row).toMatchObject({ n: 9, base: 8, task: task._id });
    expect(await side.attempts(messages[0]!)).toMatchObject([{ n: 9, trigger: 'manual' }]);
    await recordHistory(workflow(task._id), 'recovered');
  });

  it('pauses, takes another rate and goes on by signals of an operator', async () => {
    const endpoint = await side.endpoint(sink.url);
    const messages = await endedDeliveries(endpoint, 30);
    const task = await started('endpoint.recover', endpoint, { ratePerSec: 2 });
    await sink.until(() => sink.arrivals.length > 0, 20_000, 'the first message');
    await workflow(task._id).signal('pause');
    await side.until(
      () => state(task),
      (row) => row?.state === 'paused',
    );
    await expect(workflow(task._id).executeUpdate('setRate', { args: [0] })).rejects.toThrow();
    await workflow(task._id).executeUpdate('setRate', { args: [1000] });
    // What the page had made due before the pause still goes: at most five seconds of it.
    await side.until(
      () => side.models.deliveries.collection.countDocuments({ ep: endpoint._id, 'q.at': { $exists: true } }),
      (open) => open === 0,
    );
    expect(sink.arrivals).toHaveLength(10);
    expect(await workflow(task._id).query<ReplayProgress>('progress')).toMatchObject({
      state: 'paused',
      sent: 10,
    });
    await workflow(task._id).signal('resume');
    expect(await workflow(task._id).result()).toBe('finished');
    await sink.untilArrived(
      messages.map(({ _id }) => _id),
      20_000,
    );
    expect(await state(task)).toMatchObject({ state: 'finished', sent: 30, ratePerSec: 1000 });
    expect(arrivals(messages)).toEqual(once(messages));
    await recordHistory(workflow(task._id), 'paused-and-resumed');
  });

  it('stops when it is canceled, by signal and in the Temporal UI; a new task takes the rest', async () => {
    const endpoint = await side.endpoint(sink.url);
    const messages = await endedDeliveries(endpoint, 40);
    const first = await started('endpoint.recover', endpoint, { ratePerSec: 2 });
    await sink.until(() => sink.arrivals.length > 0, 20_000, 'the first message');
    await workflow(first._id).signal('cancel', 'not_wanted');
    expect(await workflow(first._id).result()).toBe('canceled');
    await recordHistory(workflow(first._id), 'canceled-by-signal');
    const second = await started('endpoint.recover', endpoint, { ratePerSec: 2 });
    await side.until(
      () => state(second),
      (row) => row!.sent > 0,
    );
    await workflow(second._id).cancel();
    expect(await workflow(second._id).result()).toBe('canceled');
    await recordHistory(workflow(second._id), 'canceled-in-temporal');
    expect(await state(first)).toMatchObject({ state: 'canceled', reason: 'not_wanted', sent: 10 });
    expect(await state(second)).toMatchObject({
      state: 'canceled',
      reason: 'canceled_by_operator',
      sent: 10,
    });
    const third = await started('endpoint.recover', endpoint, { ratePerSec: 1000 });
    expect(await workflow(third._id).result()).toBe('finished');
    expect(await state(third)).toMatchObject({ total: 20, sent: 20 });
    await sink.untilArrived(
      messages.map(({ _id }) => _id),
      20_000,
    );
    expect(arrivals(messages)).toEqual(once(messages));
  });

  it('sends a new endpoint what it missed: what matches it, has content and was not sent to it', async () => {
    const old = await side.endpoint(sink.url);
    const [first] = await side.accept([old], 1);
    const messages = await side.accept([old], 20, false);
    const expunged = await side.accept([old], 1, false);
    await side.models.messages.updateOne({ _id: expunged[0]!._id }, { $set: { body: null } });
    const other = await side.accept([], 1, false);
    await side.models.messages.updateOne({ _id: other[0]!._id }, { $set: { type: 'other.type' } });
    await side.untilState(first!, old, 'delivered');
    const since = first!.at;
    const endpoint = await side.endpoint(`${sink.url}/new`, { eventTypes: ['work_order.created'] });
    const task = await started('endpoint.replay', endpoint, {}, { since });
    expect(await workflow(task._id).result()).toBe('finished');
    const toNew = () => sink.arrivals.filter(({ path }) => path === '/new').map(({ id }) => id);
    await sink.until(() => toNew().length >= 21, 20_000, 'all arrived');
    expect(toNew().toSorted()).toEqual([first!, ...messages].map(({ _id }) => _id).toSorted());
    expect(await state(task)).toMatchObject({ total: 21, sent: 21, skipped: 0 });
    const again = await started('endpoint.replay', endpoint, {}, { since });
    expect(await workflow(again._id).result()).toBe('finished');
    expect(await state(again)).toMatchObject({ total: 0, sent: 0 });
  });

  it('replays by event type, status and class of the answer, and leaves out what has no content any more', async () => {
    const endpoint = await side.endpoint(sink.url);
    const ok = await endedDeliveries(endpoint, 3, { state: 'delivered', lastCode: 204 });
    const gone = await endedDeliveries(endpoint, 2, { state: 'delivered', lastCode: 200 });
    await side.models.messages.updateMany(
      { _id: { $in: gone.map(({ _id }) => _id) } },
      { $set: { body: null } },
    );
    const failed = await endedDeliveries(endpoint, 4, { state: 'exhausted', lastCode: 503 });
    const run = async (narrowed: Partial<ReplayFilter>) => {
      const task = await started('endpoint.bulk-replay', endpoint, { ratePerSec: 1000 }, narrowed);
      await workflow(task._id).result();
      return (await state(task))!;
    };
    expect(await run({ eventTypes: ['another.type'] })).toMatchObject({ total: 0, sent: 0 });
    expect(await run({ statusCodeClass: 500 })).toMatchObject({ total: 4, sent: 4 });
    await sink.untilArrived(
      failed.map(({ _id }) => _id),
      20_000,
    );
    expect(arrivals(ok)).toEqual([0, 0, 0]);
    for (const message of failed) await side.untilState(message, endpoint, 'delivered');
    expect(await run({ status: 0 })).toMatchObject({ total: 9, sent: 7, skipped: 2 });
    await sink.until(() => arrivals(failed).every((count) => count === 2), 20_000, 'the replayed ones');
    expect(arrivals([...ok, ...gone])).toEqual([1, 1, 1, 0, 0]);
  });

  it('goes on as a new run after fifty pages, with the counts of all of them', async () => {
    const endpoint = await side.endpoint(sink.url);
    const gone = await endedDeliveries(endpoint, 260);
    const ids = gone.map(({ _id }) => _id);
    await side.models.messages.updateMany({ _id: { $in: ids } }, { $set: { body: null } });
    const [last] = await endedDeliveries(endpoint, 1);
    // Five messages a page; those without content need not be waited for.
    const task = await started('endpoint.recover', endpoint, { ratePerSec: 1 });
    expect(await workflow(task._id).result()).toBe('finished');
    expect(await state(task)).toMatchObject({ state: 'finished', total: 261, sent: 1, skipped: 260 });
    await sink.untilArrived([last!._id], 20_000);
    expect(arrivals([...gone, last!])).toEqual([...gone.map(() => 0), 1]);
    await recordHistory(await continuedRun(workflow(task._id)), 'continued');
  });

  it('is started by the sweeper when its start was lost', async () => {
    const endpoint = await side.endpoint(sink.url);
    const messages = await endedDeliveries(endpoint, 3);
    const task = await stored('endpoint.recover', endpoint, { updatedAt: new Date(Date.now() - 61_000) });
    expect((await services.sweeper.run()).tasks).toBe(1);
    expect(await workflow(task._id).result()).toBe('finished');
    await sink.untilArrived(
      messages.map(({ _id }) => _id),
      20_000,
    );
    expect((await services.sweeper.run()).tasks).toBe(0);
  });

  it('ends with the reason when its endpoint is disabled meanwhile', async () => {
    const endpoint = await side.endpoint(sink.url, { disabled: true });
    await endedDeliveries(endpoint, 3);
    const task = await started('endpoint.recover', endpoint);
    expect(await workflow(task._id).result()).toBe('failed');
    expect(await state(task)).toMatchObject({ state: 'failed', reason: 'endpoint_disabled', sent: 0 });
    await recordHistory(workflow(task._id), 'endpoint-disabled');
  });
});

describe('a page', () => {
  const due = { lane: 'none', at: () => new Date(Date.now() + 3_600_000) };
  const sources = () => replaySources(side.models);
  const openRows = (endpoint: EndpointRow) =>
    side.models.deliveries.collection.find({ ep: endpoint._id, 'q.l': 'none' }).toArray();

  it('that a crash cut short is finished as it was planned: nothing twice, nothing left out, counts right', async () => {
    const endpoint = await side.endpoint(sink.url);
    await endedDeliveries(endpoint, 10);
    const task = await stored('endpoint.recover', endpoint);
    const source = sources()['endpoint.recover'];
    const planned = (await tasks.plan(task, await source.plan(task, 10)))!;
    const half = { ...planned, plan: { ...planned.plan!, rows: planned.plan!.rows.slice(0, 5) } };
    expect(await source.apply(half, due)).toBe(5); // and here the worker dies
    expect(await source.apply(planned, due)).toBe(10);
    expect(await source.apply(planned, due)).toBe(10);
    const rows = (await openRows(endpoint)) as unknown as DeliveryRow[];
    expect(rows.map(({ rev, base }) => [rev, base])).toEqual(rows.map(() => [10, 8]));
    expect(rows).toHaveLength(10);
    expect(await tasks.finishPage(planned, 10, new Date())).toMatchObject({ sent: 10, skipped: 0, page: 1 });
    expect(await tasks.finishPage(planned, 10, new Date())).toBeNull();
  });

  it('leaves alone what somebody else took up since it was planned', async () => {
    const endpoint = await side.endpoint(sink.url);
    const [message] = await endedDeliveries(endpoint, 2);
    const task = await stored('endpoint.recover', endpoint);
    const source = sources()['endpoint.recover'];
    const planned = (await tasks.plan(task, await source.plan(task, 10)))!;
    const { _id } = await side.delivery(message!, endpoint);
    await side.models.deliveries.collection.updateOne(
      { _id: _id as never },
      { $set: { state: 'delivered' }, $inc: { rev: 1 } },
    );
    expect(await source.apply(planned, due)).toBe(1);
    expect(await side.delivery(message!, endpoint)).toMatchObject({ state: 'delivered' });
    expect(await tasks.finishPage(planned, 1, new Date())).toMatchObject({ sent: 1, skipped: 1 });
  });

  it('an endpoint has one open task of a kind', async () => {
    const endpoint = await side.endpoint(sink.url);
    const first = await stored('endpoint.recover', endpoint);
    const filter = first.filter;
    const second = newTask({ app: side.app, ep: endpoint._id, kind: 'endpoint.recover', filter });
    expect(await tasks.start(second)).toMatchObject({ started: false, row: { _id: first._id } });
    expect(await tasks.start(first)).toMatchObject({ started: true });
    await tasks.end(first._id, 'canceled', 'test');
    expect(await tasks.start(second)).toMatchObject({ started: true });
  });
});
