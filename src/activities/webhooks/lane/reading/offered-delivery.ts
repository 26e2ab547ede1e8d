import type { OfferedMessage } from '../../../../contracts/webhooks/lane-offer.js';
import { deliveryRows } from '../../../../store/webhooks/delivery-rows.js';
import type { DeliveryRow } from '../../../../store/webhooks/delivery.schema.js';

/** A delivery that was offered with its payload; its row may not be stored yet. */
export interface OfferedDelivery {
  row: DeliveryRow;
  body: Buffer;
  appRev: number;
}

/** The deliveries of an offered message in a lane, as accept stores them. */
export function offeredDeliveries(lane: string, message: OfferedMessage): OfferedDelivery[] {
  const { id, app, appRev, type, channels, tags, trace } = message;
  const body = Buffer.from(message.body, 'base64');
  const targets = message.targets.map((target) => ({ ...target, l: lane }));
  const at = new Date(message.at);
  const traced = trace === undefined ? {} : { trace };
  const source = { _id: id, app, type, channels, tags, targets, deliverAt: null, at, ...traced };
  const rows = deliveryRows(source);
  return rows.map((row) => ({ row, body, appRev }));
}
