import { jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { OPERATIONAL_APP } from '../../../src/contracts/webhooks/operational-event.js';
import { taskStart } from '../../../src/contracts/webhooks/task-start.js';
import { taskWorkflowId } from '../../../src/contracts/webhooks/task.js';
import { ksuidFloor } from '../../../src/domain/ksuid.js';
import { newId } from '../../../src/platform/ids.js';
import { ContentPurge } from '../../../src/store/webhooks/task/content-purge.js';
import { TaskRepository } from '../../../src/store/webhooks/task/task.repository.js';
import type { WalkTaskRow } from '../../../src/store/webhooks/task/task.schema.js';
import type { WalkedItems } from '../../../src/store/webhooks/task/task-walk.js';
import { newWalkTask, WalkTaskRepository } from '../../../src/store/webhooks/task/walk-task.repository.js';
import type { WebhookServices } from '../../../src/workers/webhook-services.js';
import type { DeliverySide } from '../../support/delivery-side.js';
import { continuedRun, recordHistory } from '../../support/record-history.js';
import { deliveryWorker } from '../../support/temporal-worker.js';
import type { DeliveryWorker } from '../../support/temporal-worker.js';

jest.setTimeout(60_000);

let worker: DeliveryWorker;
let side: DeliverySide;
let services: WebhookServices;
let tasks: TaskRepository;
let pages: WalkTaskRepository;

beforeAll(async () => {
  // Every page is a call of its own.
  worker = await deliveryWorker([3600], {}, { taskCallMs: 0 });
  ({ side, services } = worker);
  tasks = new TaskRepository(side.models);
  pages = new WalkTaskRepository(side.models);
}, 120_000);
afterAll(() => worker.end());

const workflow = (id: string): WorkflowHandle => side.temporal.client.workflow.getHandle(taskWorkflowId(id));
const state = async (task: WalkTaskRow) => (await tasks.find(task._id)) as WalkTaskRow;

function applicationRow(id: string) {
  const now = new Date();
  return {
    ...{ _id: id as never, uk: id, uid: null, name: 'test', rev: 1, throttleRate: null, metadata: {} },
    ...{ createdAt: now, updatedAt: now, deletedAt: null },
  };
}

/** An application of its own, and its messages. */
async function application(count: number, more: Record<string, unknown> = {}) {
  const app = newId('app');
  await side.models.applications.collection.insertOne({ ...applicationRow(app), ...more });
  const messages = (await side.accept([], count, false)).map(({ _id }) => _id);
  await side.models.messages.updateMany({ _id: { $in: messages } }, { $set: { app } });
  return { app, messages };
}

const purgeOf = (app: string) =>
  newWalkTask({
    kind: 'application.purge_content',
    app,
    asked: { before: `msg_${ksuidFloor(Date.now() + 1000)}` },
  });

async function begun(task: WalkTaskRow): Promise<WalkTaskRow> {
  await tasks.start(task);
  const { _id: taskId, app: appId } = task;
  const { type, options } = taskStart({ taskId, appId, endpointId: null, title: `${task.kind} of ${appId}` });
  await side.temporal.client.workflow.start(type, options);
  return task;
}

const withContent = (ids: string[]) =>
  side.models.messages.countDocuments({ _id: { $in: ids }, body: { $ne: null } });

describe('webhookTask', () => {
  it('removes the payloads of one application, counts them, and leaves rows and other applications alone', async () => {
    const { app, messages } = await application(2_500);
    const other = await application(5);
    await side.models.messages.updateMany({ _id: { $in: messages.slice(0, 100) } }, { $set: { body: null } });
    const task = await begun(purgeOf(app));
    expect(await workflow(task._id).result()).toBe('finished');
    expect(await state(task)).toMatchObject({ state: 'finished', total: 2_500, seen: 2_500, counted: 2_400 });
    expect(await withContent(messages)).toBe(0);
    expect(await withContent(other.messages)).toBe(5);
    expect(await side.models.messages.countDocuments({ app })).toBe(2_500);
    const { typedSearchAttributes, staticSummary } = await workflow(task._id).describe();
    expect(staticSummary()).toEqual(expect.anything());
    const attributes = Object.fromEntries(
      typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
    );
    expect(attributes).toMatchObject({ JobKind: 'webhook.task', TenantId: app, Outcome: 'finished' });
    await recordHistory(workflow(task._id), 'purged');
  });

  it('leaves what was accepted after it was asked for', async () => {
    const { app, messages } = await application(10);
    const later = messages.toSorted()[5]!;
    const task = await begun({ ...purgeOf(app), asked: { before: later } });
    expect(await workflow(task._id).result()).toBe('finished');
    expect(await withContent(messages)).toBe(5);
    expect((await state(task)).counted).toBe(5);
  });

  it('stops before the next page when a legal hold comes, and says so', async () => {
    const { app, messages } = await application(3, { retention: { legalHold: true } });
    const task = await begun(purgeOf(app));
    expect(await workflow(task._id).result()).toBe('failed');
    expect(await state(task)).toMatchObject({ state: 'failed', reason: 'legal_hold', counted: 0 });
    expect(await withContent(messages)).toBe(3);
    await recordHistory(workflow(task._id), 'held');
  });

  it('waits while it is paused, and goes on', async () => {
    const { app, messages } = await application(3);
    const task = await begun({ ...purgeOf(app), state: 'paused' });
    await side.until(
      () => workflow(task._id).query('progress'),
      (latest) => latest !== null,
    );
    expect(await withContent(messages)).toBe(3);
    await workflow(task._id).signal('resume');
    expect(await workflow(task._id).result()).toBe('finished');
    expect(await withContent(messages)).toBe(0);
    await recordHistory(workflow(task._id), 'paused-and-resumed');
  });

  it('is canceled by signal and in the Temporal UI', async () => {
    for (const [name, cancel] of [
      ['canceled-by-signal', (handle: WorkflowHandle) => handle.signal('cancel', 'not_wanted')],
      ['canceled-in-temporal', (handle: WorkflowHandle) => handle.cancel()],
    ] as const) {
      const { app, messages } = await application(3);
      const task = await begun({ ...purgeOf(app), state: 'paused' });
      await side.until(
        () => workflow(task._id).query('progress'),
        (latest) => latest !== null,
      );
      await cancel(workflow(task._id));
      expect(await workflow(task._id).result()).toBe('canceled');
      expect((await state(task)).state).toBe('canceled');
      expect(await withContent(messages)).toBe(3);
      await recordHistory(workflow(task._id), name);
    }
  });

  it('goes on as a new run after fifty calls, and looks at everything once', async () => {
    const stored = side.models.applications.collection;
    await stored.insertMany(Array.from({ length: 5_100 }, () => applicationRow(newId('app'))) as never);
    const count = await stored.countDocuments({ _id: { $ne: OPERATIONAL_APP as never } });
    const task = await begun(newWalkTask({ kind: 'event-type.aggregate' }));
    expect(await workflow(task._id).result()).toBe('finished');
    expect(await state(task)).toMatchObject({ state: 'finished', total: count, seen: count, counted: count });
    expect((await state(task)).page).toBeGreaterThan(50);
    const first = await continuedRun(workflow(task._id));
    await recordHistory(first, 'continued');
  });

  it('is started by the sweeper when its workflow never was', async () => {
    const { app, messages } = await application(3);
    const task = { ...purgeOf(app), updatedAt: new Date(Date.now() - 120_000) };
    await tasks.start(task);
    await services.sweeper.run();
    expect(await workflow(task._id).result()).toBe('finished');
    expect(await withContent(messages)).toBe(0);
  });
});

describe('a page that a crash cut short', () => {
  it('counts what it removed before the crash, once', async () => {
    const { app } = await application(10);
    const purge = new ContentPurge(side.models, pages);
    const task = purgeOf(app);
    await tasks.start(task);
    // The process dies after the payloads are gone and before the page is closed.
    expect(await purge.page(task)).toMatchObject({ seen: 10, counted: 10 });
    const again = await state(task);
    expect(again.planned).toMatchObject({ counted: 10 });
    const walked = (await purge.page(again)) as WalkedItems;
    expect(walked).toMatchObject({ seen: 10, counted: 10 });
    expect(await pages.finishPage(again, { ...walked, bytes: 0 })).toMatchObject({ counted: 10, page: 1 });
    expect(await pages.finishPage(again, { ...walked, bytes: 0 })).toBeNull();
    await tasks.end(task._id, 'canceled', 'test');
  });

  it('a second task of the kind is not begun while one is open, for another application it is', async () => {
    const [first, second, other] = [purgeOf('app_a'), purgeOf('app_a'), purgeOf('app_b')];
    expect(await tasks.start(first)).toMatchObject({ started: true });
    expect(await tasks.start(second)).toMatchObject({ started: false, row: { _id: first._id } });
    expect(await tasks.start(other)).toMatchObject({ started: true });
    for (const { _id } of [first, other]) await tasks.end(_id, 'canceled', 'test');
    expect(await tasks.start(second)).toMatchObject({ started: true });
    await tasks.end(second._id, 'canceled', 'test');
  });
});
