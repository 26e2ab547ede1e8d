import { ITEM_FRAME_BYTES, MAX_BATCH_BYTES } from '../../../domain/webhooks/batch-body.js';
import type { FifoTurns } from '../lane/dispatch/fifo-turns.js';
import type { ReadyDelivery } from '../ready-delivery.js';
import { batchOf } from './batch-try.js';

/** What a delivery takes of the body, about: a transformation may make it longer. */
export const bytesInBatch = ({ body, row }: ReadyDelivery): number =>
  body.length + row.type.length + ITEM_FRAME_BYTES;

/** Deliveries that go together, with those that stand in line right behind one of them as far as they fit in. */
export function filledBatch(deliveries: ReadyDelivery[], turns: FifoTurns): ReadyDelivery[] {
  const first = deliveries[0]!;
  if (first.sinceMs === undefined || first.row.fk === undefined) return deliveries;
  let room = (batchOf(first)?.max ?? 1) - deliveries.length;
  let bytes = deliveries.reduce((sum, delivery) => sum + bytesInBatch(delivery), 0);
  return deliveries.flatMap((delivery) =>
    turns.withFollowers(delivery, (follower) => {
      const longer = bytes + bytesInBatch(follower);
      if (follower.sinceMs === undefined || room === 0 || longer > MAX_BATCH_BYTES) return false;
      room -= 1;
      bytes = longer;
      return true;
    }),
  );
}
