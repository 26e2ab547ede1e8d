import { jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { JOB_KIND } from '../../../src/contracts/search-attributes.js';
import { RETRY_LANE, WEBHOOK_QUEUES } from '../../../src/contracts/webhooks/delivery.js';
import type { SweepResult } from '../../../src/contracts/webhooks/dispatch.js';
import {
  dispatcherId,
  retryId,
  SEND_WORKFLOW,
  sendId,
  SWEEPER_WORKFLOW,
} from '../../../src/contracts/webhooks/jobs.js';
import type { WebhookSendInput } from '../../../src/contracts/webhooks/jobs.js';
import { laneOf } from '../../../src/domain/webhooks/lane.js';
import { deliveryId } from '../../../src/platform/ids.js';
import type { EndpointRow } from '../../../src/store/webhooks/endpoint.schema.js';
import type { MessageRow } from '../../../src/store/webhooks/message.schema.js';
import { ensureSweeperSchedule, removeSweeperSchedule } from '../../../src/workers/sweeper-schedule.js';
import type { WebhookServices } from '../../../src/workers/webhook-services.js';
import { LANES } from '../../support/delivery-side.js';
import type { DeliverySide } from '../../support/delivery-side.js';
import { recordHistory } from '../../support/record-history.js';
import { deliveryWorker } from '../../support/temporal-worker.js';
import type { DeliveryWorker } from '../../support/temporal-worker.js';
import { WebhookSink } from '../../support/webhook-sink.js';

jest.setTimeout(60_000);

/** One second within the lane, then far away: the second retry belongs to a workflow. */
const SCHEDULE_SEC = [0.05, 3600, 7200];

let worker: DeliveryWorker;
let side: DeliverySide;
let sink: WebhookSink;
let services: WebhookServices;

beforeAll(async () => {
  worker = await deliveryWorker(SCHEDULE_SEC);
  ({ side, services } = worker);
  await worker.dispatch();
}, 120_000);
afterAll(() => worker.end());
beforeEach(async () => {
  sink = await WebhookSink.start();
});
afterEach(() => sink.close());

const workflow = (id: string): WorkflowHandle => side.temporal.client.workflow.getHandle(id);

/** A delivery that failed twice in its lane and now waits for a workflow. */
async function waitingForWorkflow(
  limits: Partial<EndpointRow> = {},
): Promise<{ message: MessageRow; endpoint: EndpointRow; id: string }> {
  sink.fail();
  const endpoint = await side.endpoint(`${sink.url}/hook?token=s3cret`, limits);
  const [message] = await side.accept([endpoint]);
  const row = await side.until(
    () => side.delivery(message!, endpoint),
    ({ q }) => q?.l === RETRY_LANE,
  );
  expect(row).toMatchObject({ state: 'retrying', n: 2 });
  const id = retryId(row._id);
  await side.until(
    () =>
      workflow(id)
        .describe()
        .then(
          () => true,
          () => false,
        ),
    (there) => there,
  );
  return { message: message!, endpoint, id };
}

describe('webhookDispatcher', () => {
  it('has deliveries made, and tells how it goes', async () => {
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint]);
    await side.untilState(message!, endpoint, 'delivered');
    const dispatcher = workflow(dispatcherId(laneOf(endpoint._id, LANES)));
    expect(await dispatcher.query('status')).toMatchObject({ paused: false });
    const { typedSearchAttributes } = await dispatcher.describe();
    expect(typedSearchAttributes.get(JOB_KIND)).toBe('webhook.dispatch');
  });

  it('sends nothing while it is paused, and goes on when it is resumed', async () => {
    const endpoint = await side.endpoint(sink.url);
    const dispatcher = workflow(dispatcherId(laneOf(endpoint._id, LANES)));
    await dispatcher.executeUpdate('pause');
    const lane = laneOf(endpoint._id, LANES);
    await side.until(
      () => side.models.lanes.findById(lane).lean(),
      (row) => row?.owner === null,
    );
    const [message] = await side.accept([endpoint]);
    expect(sink.arrivals).toEqual([]);
    await dispatcher.executeUpdate('resume');
    await side.untilState(message!, endpoint, 'delivered');
    await recordHistory(dispatcher, 'paused-and-resumed');
  });

  it('makes as many tries at a time as an operator allows, and refuses what is no number of tries', async () => {
    const endpoint = await side.endpoint(sink.url);
    const lane = laneOf(endpoint._id, LANES);
    const dispatcher = workflow(dispatcherId(lane));
    const limit = async (concurrency: number | null) => {
      const before = await side.until(
        () => side.models.lanes.findById(lane).lean(),
        (row) => row !== null && row.owner !== null,
      );
      await dispatcher.executeUpdate('setLimits', { args: [{ concurrency }] });
      await side.until(
        () => side.models.lanes.findById(lane).lean(),
        (row) => row!.epoch > before!.epoch && row!.owner !== null,
      );
    };
    await limit(2);
    await expect(dispatcher.executeUpdate('setLimits', { args: [{ concurrency: 0 }] })).rejects.toThrow();
    expect(await dispatcher.query('status')).toMatchObject({ concurrency: 2 });
    let open = 0;
    let most = 0;
    sink.answer = (_, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open -= 1;
        response.writeHead(204).end();
      }, 50);
    };
    const post = async () => {
      const others: EndpointRow[] = [];
      while (others.length < 3) {
        const other = await side.endpoint(sink.url);
        if (laneOf(other._id, LANES) === lane) others.push(other);
      }
      const arrived = sink.arrivals.length;
      await side.accept(others, 8);
      await sink.until(() => sink.arrivals.length === arrived + 24, 20_000, 'all');
    };
    await post();
    expect(most).toBeLessThanOrEqual(2);
    await limit(null);
    await post();
    expect(most).toBeGreaterThan(2);
    await recordHistory(dispatcher, 'limited');
  });

  it('starts a new round when its owner is reported dead', async () => {
    const endpoint = await side.endpoint(sink.url);
    const lane = laneOf(endpoint._id, LANES);
    const before = (await side.models.lanes.findById(lane).lean())!;
    await services.dispatchers.wake(lane, { deadOwner: before.owner! });
    await side.until(
      () => side.models.lanes.findById(lane).lean(),
      (row) => row!.epoch > before.epoch && row!.owner !== null,
    );
    const [message] = await side.accept([endpoint]);
    await side.untilState(message!, endpoint, 'delivered');
    await recordHistory(workflow(dispatcherId(lane)), 'woken-because-its-owner-died');
  });
});

describe('webhookRetry', () => {
  it('owns a late retry; retryNow makes it at once', async () => {
    const { message, endpoint, id } = await waitingForWorkflow();
    expect(await workflow(id).query('status')).toMatchObject({ outcome: 'waiting', n: 2 });
    sink.take();
    await workflow(id).signal('retryNow');
    expect(await workflow(id).result()).toBe('delivered');
    expect(await side.untilState(message, endpoint, 'delivered')).toMatchObject({ n: 3 });
    await recordHistory(workflow(id), 'delivered-after-retry-now');
  });

  it('can be listed by its search attributes, and shows neither payload nor the query of the URL', async () => {
    const { message, endpoint, id } = await waitingForWorkflow();
    const query = `JobKind = 'webhook.retry' AND TenantId = '${side.app}' AND EndpointId = '${endpoint._id}' AND Outcome = 'waiting'`;
    const found = async () => {
      const ids: string[] = [];
      for await (const { workflowId } of side.temporal.client.workflow.list({ query })) ids.push(workflowId);
      return ids;
    };
    expect(await side.until(found, (ids) => ids.length > 0)).toEqual([id]);
    const summary = await (await workflow(id).describe()).staticSummary();
    expect(summary).toBe(`work_order.created -> ${sink.url} (${endpoint._id})`);
    const history = JSON.stringify(await workflow(id).fetchHistory());
    expect(history).not.toContain('s3cret');
    expect(history).not.toContain(Buffer.from(message.body!.buffer).toString('base64'));
    await workflow(id).signal('cancel');
    await workflow(id).result();
  });

  it('ends a delivery that is canceled by signal, with the reason', async () => {
    const { message, endpoint, id } = await waitingForWorkflow();
    await workflow(id).signal('cancel', 'not_wanted');
    expect(await workflow(id).result()).toBe('canceled');
    const row = await side.delivery(message, endpoint);
    expect(row).toMatchObject({ state: 'canceled', reason: 'not_wanted', n: 2 });
    await recordHistory(workflow(id), 'canceled-by-signal');
    expect(row.q).toBeUndefined();
  });

  it('is not tried while it is held, and is due when it was before once it is released', async () => {
    const { message, endpoint, id } = await waitingForWorkflow();
    const due = (await side.delivery(message, endpoint)).q!.at;
    await workflow(id).signal('hold');
    const held = await side.untilState(message, endpoint, 'held');
    expect(held).toMatchObject({ reason: 'held_by_operator', q: { l: RETRY_LANE } });
    // Its time has passed: neither the workflow nor the sweeper tries it.
    const tried = sink.arrivals.length;
    expect((await services.sweeper.run()).restarted).toBe(0);
    expect(await workflow(id).query('status')).toMatchObject({ outcome: 'held', nextAt: null, n: 2 });
    await workflow(id).signal('release');
    const released = await side.untilState(message, endpoint, 'retrying');
    expect(released.q).toEqual({ l: RETRY_LANE, at: due });
    expect(sink.arrivals).toHaveLength(tried);
    sink.take();
    await workflow(id).signal('hold');
    await side.untilState(message, endpoint, 'held');
    await workflow(id).signal('retryNow');
    expect(await workflow(id).result()).toBe('delivered');
    expect(await side.untilState(message, endpoint, 'delivered')).toMatchObject({ n: 3 });
    await recordHistory(workflow(id), 'held-and-released');
  });

  it('leaves the try to the lane where the endpoint has a rate, and ends', async () => {
    const { message, endpoint, id } = await waitingForWorkflow({ throttleRate: 10 });
    sink.take();
    await workflow(id).signal('retryNow');
    expect(await workflow(id).result()).toBe('retrying');
    expect(await side.untilState(message, endpoint, 'delivered')).toMatchObject({ n: 3 });
    await recordHistory(workflow(id), 'left-to-a-lane-with-a-rate');
  });

  it('ends its delivery when it is canceled in the Temporal UI', async () => {
    const { message, endpoint, id } = await waitingForWorkflow();
    await workflow(id).cancel();
    expect(await workflow(id).result()).toBe('canceled');
    expect(await side.delivery(message, endpoint)).toMatchObject({ reason: 'canceled_by_operator' });
    await recordHistory(workflow(id), 'canceled-in-temporal');
  });

  it('fails when no try is left', async () => {
    const { message, endpoint, id } = await waitingForWorkflow();
    await workflow(id).signal('retryNow');
    await side.until(
      () => side.delivery(message, endpoint),
      ({ n }) => n === 3,
    );
    await side.until(
      () => workflow(id).query<{ n: number }>('status'),
      ({ n }) => n === 3,
    );
    await workflow(id).signal('retryNow');
    await expect(workflow(id).result()).rejects.toMatchObject({
      cause: { type: 'DeliveryExhausted', message: expect.stringContaining('http_500') },
    });
    expect(await side.delivery(message, endpoint)).toMatchObject({ state: 'exhausted', n: 4 });
    await recordHistory(workflow(id), 'exhausted');
  });

  it('is started again by the sweeper when its start was lost', async () => {
    const { message, endpoint, id } = await waitingForWorkflow();
    await workflow(id).terminate();
    const { _id } = await side.delivery(message, endpoint);
    const q = { l: RETRY_LANE, at: new Date(Date.now() - 1000) };
    await side.models.deliveries.collection.updateOne({ _id: _id as never }, { $set: { q } });
    sink.take();
    expect((await services.sweeper.run()).restarted).toBe(1);
    await side.untilState(message, endpoint, 'delivered');
  });
});

describe('webhookSend', () => {
  const resend = (message: MessageRow, endpoint: EndpointRow, requestId: string, delivery: string) => {
    const input: WebhookSendInput = {
      ...{ deliveryId: delivery, messageId: message._id, endpointId: endpoint._id, appId: side.app },
      ...{ title: 'test', requestId },
    };
    return side.temporal.client.workflow.execute(SEND_WORKFLOW, {
      args: [input],
      workflowId: sendId(delivery, requestId),
      taskQueue: WEBHOOK_QUEUES.retry,
    });
  };

  it('sends a delivered message once more', async () => {
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint]);
    const row = await side.untilState(message!, endpoint, 'delivered');
    expect(await resend(message!, endpoint, 'a', row._id)).toMatchObject({ outcome: 'delivered', n: 2 });
    expect(sink.counts.get(message!._id)).toBe(2);
    await recordHistory(workflow(sendId(row._id, 'a')), 'delivered');
    expect(await side.attempts(message!)).toMatchObject([{ trigger: 'scheduled' }, { trigger: 'manual' }]);
  });

  it('starts the schedule of an exhausted delivery again when the receiver still fails', async () => {
    const { message, endpoint, id } = await waitingForWorkflow();
    await workflow(id).terminate();
    const { _id } = await side.delivery(message, endpoint);
    await side.models.deliveries.collection.updateOne(
      { _id: _id as never },
      { $set: { state: 'exhausted', n: 8, rev: 50 }, $unset: { q: '' } },
    );
    const before = sink.counts.get(message._id)!;
    sink.answer = (_, response) => {
      response.writeHead(sink.counts.get(message._id)! === before + 1 ? 500 : 204).end();
    };
    const result = await resend(message, endpoint, 'b', _id);
    expect(result).toMatchObject({ outcome: 'retrying', nextBy: 'lane', why: 'http_500' });
    await recordHistory(workflow(sendId(_id, 'b')), 'failed-and-back-in-its-lane');
    await side.untilState(message, endpoint, 'delivered');
    expect(sink.counts.get(message._id)).toBe(before + 2);
  });

  it('sends a message to an endpoint it was not meant for at first', async () => {
    const first = await side.endpoint(sink.url);
    const [message] = await side.accept([first]);
    const later = await side.endpoint(`${sink.url}/later`);
    const id = deliveryId(message!._id, later._id);
    expect(await resend(message!, later, 'c', id)).toMatchObject({ outcome: 'delivered', n: 1 });
    expect(await side.delivery(message!, later)).toMatchObject({ state: 'delivered', n: 1 });
  });
});

describe('webhookSweeper', () => {
  it('runs on its schedule and tells what it mended', async () => {
    const { client } = side.temporal;
    await ensureSweeperSchedule(client);
    await ensureSweeperSchedule(client);
    const endpoint = await side.endpoint(sink.url);
    const [message] = await side.accept([endpoint], 1, false);
    // Accept is given five seconds to insert the rows itself.
    await side.until(
      () => Promise.resolve(Date.now() - message!.at.getTime()),
      (ageMs) => ageMs > 5000,
    );
    const schedule = client.schedule.getHandle(SWEEPER_WORKFLOW);
    await schedule.trigger('BUFFER_ONE');
    await side.untilState(message!, endpoint, 'delivered');
    // The schedule's own half minute may have come just before the trigger.
    const { info } = await schedule.describe();
    const mended: WorkflowHandle[] = [];
    for (const { action } of info.recentActions) {
      const { workflowId, firstExecutionRunId } = action.workflow;
      const sweep = client.workflow.getHandle(workflowId, firstExecutionRunId);
      const { inserted } = (await sweep.result()) as SweepResult;
      if (inserted > 0) mended.push(sweep);
    }
    expect(mended).toHaveLength(1);
    await recordHistory(mended[0]!, 'inserted-missing-rows');
    await removeSweeperSchedule(client);
    await removeSweeperSchedule(client);
    await expect(schedule.describe()).rejects.toThrow('not found');
  });
});
