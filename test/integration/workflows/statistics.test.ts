import { jest } from '@jest/globals';
import type { Stack } from '../../../embedded/stack/stack.js';
import { WEBHOOK_QUEUES } from '../../../src/contracts/webhooks/delivery.js';
import { LATE_RESULT_MS, STATISTICS_WORKFLOW } from '../../../src/contracts/webhooks/statistics-recount.js';
import { bucketId, LEVEL_MS } from '../../../src/domain/webhooks/statistics/bucket.js';
import { ksuid } from '../../../src/domain/ksuid.js';
import { ensureStatisticsSchedule } from '../../../src/workers/statistics-schedule.js';
import { DeliverySide, servers } from '../../support/delivery-side.js';
import { recordHistory } from '../../support/record-history.js';
import { temporalWorkers } from '../../support/temporal-worker.js';

jest.setTimeout(120_000);

let stack: Stack;
let endServers: () => Promise<void>;
beforeAll(async () => {
  ({ stack, end: endServers } = await servers());
}, 120_000);
afterAll(() => endServers());

it('in the night the statistics of yesterday are made what its attempts say', async () => {
  const side = await DeliverySide.open(stack);
  const services = side.services();
  const workers = await temporalWorkers(side, stack.temporalAddress, services);
  try {
    const endpoint = await side.endpoint('http://127.0.0.1:9/');
    const yesterday = Math.floor((Date.now() - LATE_RESULT_MS) / LEVEL_MS.d) * LEVEL_MS.d - LEVEL_MS.d / 2;
    for (let n = 0; n < 3; n++) {
      await side.models.attempts.collection.insertOne({
        _id: `atmpt_${ksuid(yesterday, n, Buffer.alloc(12, n))}` as never,
        ...{ dlv: `dlv_${n}`, n: 1, app: side.app, ep: endpoint._id, type: 'work_order.created', k: [] },
        ...{ code: 200, errorCode: null, outcome: 'delivered', bytes: 7, durationMs: 5, sinceAcceptMs: 9 },
        at: new Date(yesterday),
      });
    }
    await ensureStatisticsSchedule(side.temporal.client);
    await ensureStatisticsSchedule(side.temporal.client); // once more changes nothing
    const schedule = side.temporal.client.schedule.getHandle(STATISTICS_WORKFLOW);
    expect((await schedule.describe()).spec.calendars).toHaveLength(1);

    const run = await side.temporal.client.workflow.start(STATISTICS_WORKFLOW, {
      workflowId: STATISTICS_WORKFLOW,
      taskQueue: WEBHOOK_QUEUES.control,
      args: [],
    });
    // A minute, an hour and a day of the endpoint and of its application.
    expect(await run.result()).toEqual({ attempts: 3, repaired: 6 });
    const buckets = side.models.messages.db.collection('wh_stats');
    const day = await buckets.findOne({ _id: bucketId(endpoint._id, 'd', yesterday) as never });
    expect(day).toMatchObject({ n: 3, delivered: 3, first: 3, bytes: 21, c: { '2xx': 3 } });
    await recordHistory(run, 'mended-yesterday');
    await schedule.delete();
  } finally {
    await workers.stop();
    await services.sender.close();
    await side.close();
  }
});
