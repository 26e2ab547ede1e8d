import { jest } from '@jest/globals';
import type { Stack } from '../../embedded/stack/stack.js';
import { dispatcherId } from '../../src/contracts/webhooks/jobs.js';
import type { EndpointRow } from '../../src/store/webhooks/endpoint.schema.js';
import type { TemporalWorkers } from '../../src/workers/temporal-workers.js';
import type { WebhookServices } from '../../src/workers/webhook-services.js';
import { DeliverySide, LANES, servers } from '../support/delivery-side.js';
import { temporalWorkers } from '../support/temporal-worker.js';
import { WebhookSink } from '../support/webhook-sink.js';

jest.setTimeout(150_000);

let stack: Stack;
let endServers: () => Promise<void>;
let side: DeliverySide;
let sink: WebhookSink;
let services: WebhookServices;
let workers: TemporalWorkers;

beforeAll(async () => {
  ({ stack, end: endServers } = await servers());
  side = await DeliverySide.open(stack);
  sink = await WebhookSink.start();
  services = side.services();
  workers = await temporalWorkers(side, stack.temporalAddress, services);
}, 120_000);
afterAll(async () => {
  await workers.stop();
  await services.lanes.settled();
  await services.sender.close();
  sink.close();
  await side.close();
  await endServers();
});

const laneOfEndpoint = async ({ _id }: EndpointRow) => (await side.storedEndpoint(_id))?.lane ?? null;
const ownDispatcher = async ({ _id }: EndpointRow) =>
  (await side.temporal.client.workflow.getHandle(dispatcherId(_id)).describe()).status.name;

describe('an endpoint with more due than a shared lane can bear', () => {
  it('gets a lane of its own, gets everything once, and goes back to the shared lane', async () => {
    sink.answer = (_, response) => void setTimeout(() => response.writeHead(204).end(), 30);
    const crowded = await side.endpoint(`${sink.url}/crowded`);
    const messages = await side.accept([crowded], 4000);
    for (let n = 0; n < LANES; n++) await services.dispatchers.ensure(`p${n}`);
    await side.until(
      () => laneOfEndpoint(crowded),
      (lane) => lane === crowded._id,
    );
    const later = await side.accept([crowded], 100);
    await sink.untilArrived(
      [...messages, ...later].map(({ _id }) => _id),
      60_000,
    );
    await side.until(
      () => laneOfEndpoint(crowded),
      (lane) => lane === null,
      30_000,
    );
    await side.until(
      () => ownDispatcher(crowded),
      (status) => status === 'COMPLETED',
      60_000,
    );
    expect(sink.arrivals).toHaveLength(4100);
  });
});
