import { jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { OUTCOME } from '../../../src/contracts/search-attributes.js';
import { recoveryId } from '../../../src/contracts/webhooks/jobs.js';
import type { EndpointRow } from '../../../src/store/webhooks/endpoint.schema.js';
import type { MessageRow } from '../../../src/store/webhooks/message.schema.js';
import type { WebhookServices } from '../../../src/workers/webhook-services.js';
import type { DeliverySide } from '../../support/delivery-side.js';
import { recordHistory } from '../../support/record-history.js';
import { deliveryWorker } from '../../support/temporal-worker.js';
import type { DeliveryWorker } from '../../support/temporal-worker.js';
import { WebhookSink } from '../../support/webhook-sink.js';

jest.setTimeout(90_000);

/** Retries belong to the far future: what is sent again soon is sent by the recovery. */
const SCHEDULE_SEC = [3600];
const SETTINGS = { WEBHOOK_PROBE_SECONDS: 0.3, WEBHOOK_PROBE_MAX_SECONDS: 2 };

let worker: DeliveryWorker;
let side: DeliverySide;
let sink: WebhookSink;
let services: WebhookServices;

beforeAll(async () => {
  worker = await deliveryWorker(SCHEDULE_SEC, SETTINGS);
  ({ side, services } = worker);
  await worker.dispatch();
}, 120_000);
afterAll(() => worker.end());
beforeEach(async () => {
  sink = await WebhookSink.start();
});
afterEach(() => sink.close());

const recovery = (endpoint: EndpointRow): WorkflowHandle =>
  side.temporal.client.workflow.getHandle(recoveryId(endpoint._id));
const isLookedAfter = (endpoint: EndpointRow) =>
  side.until(
    () =>
      recovery(endpoint)
        .describe()
        .then(
          () => true,
          () => false,
        ),
    (there) => there,
  );
/** Ids of the recoveries of an endpoint, as somebody finds them who lists workflows. */
async function recoveriesOf({ _id }: EndpointRow): Promise<string[]> {
  const ids: string[] = [];
  const query = `EndpointId = "${_id}" AND WorkflowType = "endpointRecovery"`;
  for await (const { workflowId } of side.temporal.client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}
const rowsOf = (endpoint: EndpointRow) =>
  side.models.deliveries.find({ ep: endpoint._id }).sort({ msg: 1 }).lean();

/** An endpoint that is down, with messages that came after its breaker opened. */
async function down(count: number): Promise<{ endpoint: EndpointRow; waiting: MessageRow[] }> {
  sink.fail();
  const endpoint = await side.endpoint(`${sink.url}/hook`);
  await side.accept([endpoint], 10);
  await isLookedAfter(endpoint);
  const waiting = await side.accept([endpoint], count);
  // They went to the shared lane, as from an accept that does not know of the breaker yet.
  const inOwnLane = { ep: endpoint._id, 'q.l': endpoint._id };
  await side.until(
    () => side.models.deliveries.countDocuments(inOwnLane),
    (rows) => rows >= count,
  );
  return { endpoint, waiting };
}

describe('an endpoint that is down', () => {
  it('is probed by one workflow, uses up no tries, and is sent everything when it is back', async () => {
    const { endpoint, waiting } = await down(200);
    const tried = sink.arrivals.length;
    await sink.until(() => sink.arrivals.length >= tried + 3, 20_000, 'three probes');
    const { status } = await recovery(endpoint).describe();
    expect(status.name).toBe('RUNNING');
    expect(await recovery(endpoint).query('status')).toMatchObject({ trips: 1 });
    await side.until(
      () => recoveriesOf(endpoint),
      (ids) => ids.length > 0,
    );
    expect(await recoveriesOf(endpoint)).toEqual([recoveryId(endpoint._id)]);
    const whileDown = await rowsOf(endpoint);
    const usedUp = whileDown.filter((row) => row.n - (row.base ?? 0) > 0);
    expect(usedUp.length).toBeLessThanOrEqual(10);
    expect(whileDown.filter(({ n }) => n === 0).length).toBeGreaterThanOrEqual(199);
    sink.take();
    await sink.untilArrived(
      waiting.map(({ _id }) => _id),
      30_000,
    );
    expect(await recovery(endpoint).result()).toBe('recovered');
    const after = await side.storedEndpoint(endpoint._id);
    expect([after?.circuit, after?.lane]).toEqual([undefined, null]);
    const late = await side.accept([endpoint]);
    await sink.untilArrived([late[0]!._id], 5000);
    const described = await recovery(endpoint).describe();
    expect(described.typedSearchAttributes.get(OUTCOME)).toBe('delivered');
    await recordHistory(recovery(endpoint), 'recovered');
  });

  it('is probed at once when somebody asks for it, and drained no faster than allowed', async () => {
    const { endpoint, waiting } = await down(30);
    await recovery(endpoint).executeUpdate('setRate', { args: [10] });
    await expect(recovery(endpoint).executeUpdate('setRate', { args: [0] })).rejects.toThrow();
    sink.take();
    await recovery(endpoint).signal('probeNow');
    await sink.untilArrived(
      waiting.map(({ _id }) => _id),
      30_000,
    );
    const ids = new Set(waiting.map(({ _id }) => _id));
    const times = sink.arrivals.filter(({ id }) => ids.has(id)).map(({ atMs }) => atMs);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(1800);
    expect(await recovery(endpoint).result()).toBe('recovered');
    await recordHistory(recovery(endpoint), 'drained-at-a-rate');
  });

  it('may be disabled by an operator: what waits is canceled', async () => {
    const { endpoint, waiting } = await down(5);
    await recovery(endpoint).signal('disable');
    expect(await recovery(endpoint).result()).toBe('ended');
    expect(await side.storedEndpoint(endpoint._id)).toMatchObject({ disabled: true });
    await side.until(
      () => side.delivery(waiting[0]!, endpoint),
      ({ state }) => state === 'canceled',
    );
    await recordHistory(recovery(endpoint), 'disabled-by-signal');
  });

  it('gets its workflow from the sweeper when that was not started', async () => {
    const endpoint = await side.endpoint(`${sink.url}/hook`);
    const circuit = {
      state: 'open' as const,
      since: new Date(),
      trips: 1,
      nextProbeAt: new Date(),
      why: 'x',
    };
    await side.models.endpoints.updateOne({ _id: endpoint._id }, { circuit, lane: endpoint._id });
    await services.sweeper.run();
    expect(await recovery(endpoint).result()).toBe('recovered');
  });
});
