import type { OfferedMessage } from '../../contracts/webhooks/lane-offer.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';

/** A delivery that was offered with its payload; its row may not be stored yet. */
export interface OfferedDelivery {
  row: DeliveryRow;
  body: Buffer;
  appRev: number;
}

/** The deliveries of an offered message in a lane, as accept stores them. */
export function offeredDeliveries(lane: string, message: OfferedMessage): OfferedDelivery[] {
  const at = new Date(message.at);
  const body = Buffer.from(message.body, 'base64');
  return message.targets.map(({ d, e }) => ({
    row: {
      _id: d,
      msg: message.id,
      app: message.app,
      ep: e,
      type: message.type,
      channels: message.channels,
      tags: message.tags,
      state: 'pending',
      reason: null,
      n: 0,
      rev: 0,
      firstAt: null,
      lastAt: null,
      lastCode: null,
      q: { l: lane, at },
      at,
    },
    body,
    appRev: message.appRev,
  }));
}
