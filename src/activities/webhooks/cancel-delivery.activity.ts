import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';

/** Ends a delivery that is still open; one that has ended stays as it is. */
export function cancelDeliveryActivity(deliveries: DeliveryRepository) {
  return async function cancelDelivery(input: { deliveryId: string; reason: string }): Promise<void> {
    for (;;) {
      const row = await deliveries.find(input.deliveryId);
      if (row?.q === undefined) return;
      const set = { state: 'canceled' as const, reason: input.reason };
      const refused = await deliveries.write([{ _id: row._id, rev: row.rev, set, q: null }], true);
      if (refused.size === 0) return;
    }
  };
}
