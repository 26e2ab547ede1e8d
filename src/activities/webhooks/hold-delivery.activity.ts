import { RETRY_GRACE_MS, RETRY_LANE } from '../../contracts/webhooks/delivery.js';
import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';

const HELD = 'held_by_operator';
const NEVER = new Date('9999-12-31T00:00:00Z');

/** Holds a delivery that waits for its workflow, or gives it its due time back. One that moved on stays as it is. */
export function holdDeliveryActivity(deliveries: DeliveryRepository) {
  return async function holdDelivery({ deliveryId, nextAt }: { deliveryId: string; nextAt: string | null }) {
    for (;;) {
      const row = await deliveries.find(deliveryId);
      if (row?.q?.l !== RETRY_LANE) return;
      const at = nextAt === null ? NEVER : new Date(Date.parse(nextAt) + RETRY_GRACE_MS);
      const set =
        nextAt === null
          ? { state: 'held' as const, reason: HELD }
          : { state: 'retrying' as const, reason: row.reason === HELD ? 'released' : row.reason };
      const refused = await deliveries.write(
        [{ _id: row._id, rev: row.rev, set, q: { l: RETRY_LANE, at } }],
        true,
      );
      if (refused.size === 0) return;
    }
  };
}
