import { messageFacets } from '../../src/domain/webhooks/facets.js';
import { laneNames } from '../../src/domain/webhooks/lane.js';
import { deliveryId, newId } from '../../src/platform/ids.js';
import type { DeliveryRow } from '../../src/store/webhooks/delivery.schema.js';
import type { WebhookModels } from '../../src/store/webhooks/webhook-models.js';

const BATCH = 2_000;
const LANES = laneNames(4); // the default of WEBHOOK_LANES
const DAY_MS = 86_400_000;

/** Deliveries of another application whose next try is due tomorrow, spread over the shared lanes. */
export async function storeWaiting(models: WebhookModels, count: number): Promise<void> {
  const at = new Date();
  const q = { at: new Date(at.getTime() + DAY_MS) };
  const [app, ep] = [newId('app'), newId('ep')];
  const label = { type: 'bench.waiting', channels: null, tags: null };
  const k = messageFacets(label);
  for (let from = 0; from < count; from += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, count - from) }, (_, n): DeliveryRow => {
      const msg = newId('msg');
      return {
        ...{ ...label, _id: deliveryId(msg, ep), msg, app, ep, k, state: 'retrying', reason: 'http_503' },
        ...{ n: 1, rev: 1, firstAt: at, lastAt: at, lastCode: 503, at },
        q: { ...q, l: LANES[(from + n) % LANES.length]! },
      };
    });
    await models.deliveries.collection.insertMany(rows as never, { ordered: false, writeConcern: { w: 1 } });
  }
}
