import { randomBytes } from 'node:crypto';
import { jest } from '@jest/globals';
import type { Stack } from '../../../embedded/stack/stack.js';
import { WEBHOOK_QUEUES } from '../../../src/contracts/webhooks/delivery.js';
import type { ApplicationRetention } from '../../../src/contracts/webhooks/retention.js';
import { RETENTION_WORKFLOW } from '../../../src/contracts/webhooks/retention-job.js';
import type { RetentionCursor, RetentionTotals } from '../../../src/contracts/webhooks/retention-job.js';
import { ksuid } from '../../../src/domain/ksuid.js';
import { Retention } from '../../../src/activities/webhooks/retention/retention.js';
import { newId } from '../../../src/platform/ids.js';
import { acceptRates, AcceptRates } from '../../../src/store/webhooks/accept-rates.js';
import { RetentionRepository } from '../../../src/store/webhooks/retention/retention.repository.js';
import { ensureRetentionSchedule } from '../../../src/workers/retention-schedule.js';
import { DeliverySide, servers } from '../../support/delivery-side.js';
import { recordHistory } from '../../support/record-history.js';
import { temporalWorkers } from '../../support/temporal-worker.js';

jest.setTimeout(120_000);

const DAY_MS = 86_400_000;
const OWN_TIMES: ApplicationRetention = { payloadDays: null, attemptDays: 5, rowDays: 50, legalHold: false };
const HOLD: ApplicationRetention = { payloadDays: null, attemptDays: null, rowDays: null, legalHold: true };

let stack: Stack;
let endServers: () => Promise<void>;
beforeAll(async () => {
  ({ stack, end: endServers } = await servers());
}, 120_000);
afterAll(() => endServers());

let side: DeliverySide;
beforeEach(async () => {
  side = await DeliverySide.open(stack);
});
afterEach(() => side.close());

async function application(retention: ApplicationRetention): Promise<string> {
  const [id, now] = [newId('app'), new Date()];
  await side.models.applications.create({
    ...{ _id: id, uk: id, name: 'test', rev: 1, createdAt: now, updatedAt: now, retention },
  });
  return id;
}

/** A message with its delivery, attempt and task, each as old as that. Its payload was to go after 90 days. */
async function aged(app: string, days: number): Promise<void> {
  const at = new Date(Date.now() - days * DAY_MS);
  const id = (prefix: string) => `${prefix}_${ksuid(at.getTime(), 0, randomBytes(12))}` as never;
  const { messages, deliveries, attempts, tasks } = side.models;
  const [endpoint] = await side.models.endpoints.find({ app }).limit(1).lean();
  const ep = endpoint?._id ?? (await side.endpoint('http://127.0.0.1:9/', { app }))._id;
  const msg = id('msg');
  const expiresAt = new Date(at.getTime() + 90 * DAY_MS);
  const unique = { ek: msg, ik: msg };
  await messages.collection.insertOne({ _id: msg, app, body: 'payload' as never, at, expiresAt, ...unique });
  await deliveries.collection.insertOne({ _id: id('dlv'), app, ep, msg, state: 'delivered' });
  await attempts.collection.insertOne({ _id: id('atmpt'), app, ep, msg, dlv: msg, n: 1 });
  await tasks.collection.insertOne({ _id: id('qtask'), app, ep, lk: msg, state: 'finished' });
}

async function left(app: string) {
  const { messages, deliveries, attempts, tasks } = side.models;
  const count = ({ collection }: typeof messages | typeof deliveries | typeof attempts | typeof tasks) =>
    collection.countDocuments({ app });
  return {
    payloads: await messages.collection.countDocuments({ app, body: { $ne: null } } as never),
    messages: await count(messages),
    deliveries: await count(deliveries),
    attempts: await count(attempts),
    tasks: await count(tasks),
  };
}

async function run(): Promise<{ totals: RetentionTotals; runId: string }> {
  const services = side.services();
  const workers = await temporalWorkers(side, stack.temporalAddress, services);
  try {
    const handle = await side.temporal.client.workflow.start(RETENTION_WORKFLOW, {
      ...{ workflowId: RETENTION_WORKFLOW, taskQueue: WEBHOOK_QUEUES.control, args: [] },
    });
    return { totals: (await handle.result()) as RetentionTotals, runId: handle.firstExecutionRunId };
  } finally {
    await workers.stop();
    await services.sender.close();
  }
}

it('payloads go after 90 days, attempts after 30, rows after 180; an application may say otherwise or hold all', async () => {
  const short = await application(OWN_TIMES);
  const held = await application(HOLD);
  for (const app of [side.app, short, held]) {
    for (const days of [1, 40, 100, 200]) await aged(app, days);
  }
  const all = { payloads: 4, messages: 4, deliveries: 4, attempts: 4, tasks: 4 };
  expect(await left(side.app)).toEqual(all);

  const { totals, runId } = await run();
  expect(await left(side.app)).toEqual({ payloads: 2, messages: 3, deliveries: 3, attempts: 1, tasks: 3 });
  expect(await left(short)).toEqual({ payloads: 2, messages: 2, deliveries: 2, attempts: 1, tasks: 2 });
  expect(await left(held)).toEqual(all);
  expect(totals).toMatchObject({ payloads: 4, messages: 3, deliveries: 3, attempts: 6, tasks: 3 });
  await recordHistory(side.temporal.client.workflow.getHandle(RETENTION_WORKFLOW, runId), 'removed');

  // The hold ends: what was held goes.
  await side.models.applications.updateOne({ _id: held }, { $set: { 'retention.legalHold': false } });
  await run();
  expect(await left(held)).toEqual({ payloads: 2, messages: 3, deliveries: 3, attempts: 1, tasks: 3 });
});

it('what is held is read once a week and not in every run, unless it is held no longer', async () => {
  const held = await application(HOLD);
  for (const days of [200, 210, 220]) await aged(held, days);
  let now = new Date();
  const retention = new Retention(
    new RetentionRepository(side.models),
    { attemptDays: 30, rowDays: 180 },
    () => now,
  );
  const runToEnd = async () => {
    for (let cursor: RetentionCursor | null = null; ;) {
      cursor = (await retention.page(cursor, () => undefined)).next;
      if (cursor === null) return;
    }
  };
  const present = async (app: string) => (await left(app)).messages;
  await runToEnd();
  expect(await present(held)).toBe(3);

  // Rows as old as those: what a run reads again it would remove.
  await aged(side.app, 205);
  await aged(side.app, 190);
  await runToEnd();
  expect(await present(side.app)).toBe(1);
  now = new Date(now.getTime() + 8 * DAY_MS);
  await runToEnd();
  expect(await present(side.app)).toBe(0);

  await side.models.applications.updateOne({ _id: held }, { $set: { 'retention.legalHold': false } });
  await runToEnd();
  expect(await left(held)).toMatchObject({ payloads: 0, messages: 0, deliveries: 0 });
});

it('many applications with times of their own are gone through over several runs', async () => {
  const apps: string[] = [];
  for (let n = 0; n < 12; n++) apps.push(await application(OWN_TIMES));
  for (const app of apps) await aged(app, 60);
  const { totals, runId } = await run();
  expect(totals).toMatchObject({ messages: 12, deliveries: 12, attempts: 12, tasks: 12 });
  for (const app of apps) expect(await left(app)).toMatchObject({ messages: 0, attempts: 0 });
  const first = side.temporal.client.workflow.getHandle(RETENTION_WORKFLOW, runId, { followRuns: false });
  expect((await first.describe()).status.name).toBe('CONTINUED_AS_NEW');
  await recordHistory(first, 'continued');
});

it('endpoints and applications that were deleted 180 days ago go, old keys and first answers too', async () => {
  const past = (days: number) => new Date(Date.now() - days * DAY_MS);
  const key = { enc: 'x', type: 'hmac' as const, from: past(3) };
  const gone = await side.endpoint('http://127.0.0.1:9/', { deletedAt: past(181) });
  const recent = await side.endpoint('http://127.0.0.1:9/', {
    deletedAt: past(179),
    keys: [
      { ...key, until: null },
      { ...key, until: past(1) },
      { ...key, until: new Date(Date.now() + DAY_MS) },
    ],
  });
  const answers = side.models.messages.db.collection<{ _id: string; at: Date }>('wh_idem');
  await answers.insertMany([
    { _id: 'old', at: past(2) },
    { _id: 'new', at: new Date() },
  ]);
  const rates = new AcceptRates(side.models);
  const [deleted, lately] = [await application(OWN_TIMES), await application(OWN_TIMES)];
  for (const [_id, days] of [
    [deleted, 181],
    [lately, 49],
  ] as const) {
    await rates.take(_id, 10, 1);
    await side.models.applications.updateOne({ _id }, { deletedAt: past(days) });
  }
  await run();
  const { applications } = side.models;
  expect(await applications.find({ _id: { $in: [deleted, lately] } }).distinct('_id')).toEqual([lately]);
  expect(await acceptRates(side.models).distinct('_id')).toEqual([lately]);
  expect(await side.storedEndpoint(gone._id)).toBeNull();
  expect(await side.storedEndpoint(recent._id)).not.toBeNull();
  await side.services().sweeper.run();
  expect((await side.storedEndpoint(recent._id))!.keys).toHaveLength(2);
  expect(await answers.countDocuments()).toBe(1);
});

it('the schedule starts it every hour and is made once', async () => {
  await ensureRetentionSchedule(side.temporal.client);
  await ensureRetentionSchedule(side.temporal.client);
  const schedule = side.temporal.client.schedule.getHandle(RETENTION_WORKFLOW);
  const { spec, policies } = await schedule.describe();
  expect(spec.intervals?.[0]).toMatchObject({ every: 3_600_000 });
  expect(policies.overlap).toBe('SKIP');
  await schedule.delete();
});
