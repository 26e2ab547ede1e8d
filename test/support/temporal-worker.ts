import { installTemporalRuntime } from '../../src/platform/temporal-runtime.js';
import { ensureSearchAttributes } from '../../src/platform/temporal-search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.js';
import { freeLoopbackPort } from '../../src/workers/free-port.js';
import { TemporalWorkers } from '../../src/workers/temporal-workers.js';
import type { WebhookServices } from '../../src/workers/webhook-services.js';
import { DeliverySide, LANES, servers } from './delivery-side.js';

let installed = false;

/** The Temporal Workers of one worker process, run in this one. Resolves when they poll. */
export async function temporalWorkers(
  side: DeliverySide,
  temporalAddress: string,
  services: WebhookServices,
): Promise<TemporalWorkers> {
  if (!installed) installTemporalRuntime(side.log, `127.0.0.1:${await freeLoopbackPort()}`);
  installed = true;
  await ensureSearchAttributes(side.temporal.connection, 'default', SEARCH_ATTRIBUTES);
  return new Promise((resolve, reject) => {
    const workers = new TemporalWorkers({
      config: { TEMPORAL_ADDRESS: temporalAddress, TEMPORAL_NAMESPACE: 'default' },
      log: side.log,
      queues: services.activities,
      onConnected: () => Promise.resolve(resolve(workers)),
      onFailed: reject,
    });
    workers.start();
  });
}

export interface DeliveryWorker {
  side: DeliverySide;
  services: WebhookServices;
  /** Has every shared lane served. */
  dispatch(): Promise<void>;
  end(): Promise<void>;
}

/** Servers of its own, a delivery side and its worker under Temporal, for one test file. */
export async function deliveryWorker(
  ...options: Parameters<DeliverySide['services']>
): Promise<DeliveryWorker> {
  const { stack, end: endServers } = await servers();
  const side = await DeliverySide.open(stack);
  const services = side.services(...options);
  const workers = await temporalWorkers(side, stack.temporalAddress, services);
  return {
    side,
    services,
    dispatch: async () => {
      for (let n = 0; n < LANES; n++) await services.dispatchers.ensure(`p${n}`);
    },
    end: async () => {
      await workers.stop();
      await services.lanes.settled();
      await services.statistics.close();
      await services.sandbox.close();
      await services.sender.close();
      await side.close();
      await endServers();
    },
  };
}
