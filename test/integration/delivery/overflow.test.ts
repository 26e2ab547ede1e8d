import { jest } from '@jest/globals';
import { dispatcherId } from '../../../src/contracts/webhooks/jobs.js';
import type { EndpointRow } from '../../../src/store/webhooks/endpoint.schema.js';
import type { DeliverySide } from '../../support/delivery-side.js';
import { deliveryWorker } from '../../support/temporal-worker.js';
import type { DeliveryWorker } from '../../support/temporal-worker.js';
import { WebhookSink } from '../../support/webhook-sink.js';

jest.setTimeout(150_000);

let worker: DeliveryWorker;
let side: DeliverySide;
let sink: WebhookSink;

beforeAll(async () => {
  worker = await deliveryWorker();
  side = worker.side;
  sink = await WebhookSink.start();
}, 120_000);
afterAll(async () => {
  await worker.end();
  sink.close();
});

const laneOfEndpoint = async ({ _id }: EndpointRow) => (await side.storedEndpoint(_id))?.lane ?? null;
const ownDispatcher = async ({ _id }: EndpointRow) =>
  (await side.temporal.client.workflow.getHandle(dispatcherId(_id)).describe()).status.name;

describe('an endpoint with more due than a shared lane can bear', () => {
  it('gets a lane of its own, gets everything once, and goes back to the shared lane', async () => {
    sink.answer = (_, response) => void setTimeout(() => response.writeHead(204).end(), 30);
    const crowded = await side.endpoint(`${sink.url}/crowded`);
    const messages = await side.accept([crowded], 4000);
    await worker.dispatch();
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
