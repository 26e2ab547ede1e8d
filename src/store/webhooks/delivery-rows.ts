import { messageFacets } from '../../domain/webhooks/facets.js';
import type { DeliveryRow } from './delivery.schema.js';
import type { MessageRow } from './message.schema.js';

/** What of a message its deliveries are made from. */
type Source = Pick<
  MessageRow,
  '_id' | 'app' | 'type' | 'channels' | 'tags' | 'targets' | 'deliverAt' | 'at' | 'trace'
>;

/** The deliveries a message stands for, as they are first stored. Ids are derived, so storing them again is harmless. */
export function deliveryRows(message: Source): DeliveryRow[] {
  const k = messageFacets(message);
  const traced = message.trace === undefined ? {} : { trace: message.trace };
  return message.targets.map(({ d, e, l, f }) => ({
    _id: d,
    msg: message._id,
    app: message.app,
    ep: e,
    type: message.type,
    channels: message.channels,
    tags: message.tags,
    k,
    ...traced,
    state: 'pending',
    reason: null,
    n: 0,
    rev: 0,
    firstAt: null,
    lastAt: null,
    lastCode: null,
    q: { l, at: message.deliverAt ?? message.at },
    ...(f === undefined ? {} : { fk: f }),
    at: message.at,
  }));
}
