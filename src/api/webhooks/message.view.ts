import type { MessageOut } from '../../contracts/webhooks/message.js';
import type { MessageRow } from '../../store/webhooks/message.schema.js';

/** @param withContent false leaves the payload out, as `{}` */
export const messageView = (row: MessageRow, withContent: boolean): MessageOut => ({
  id: row._id,
  ...(row.eventId === null ? {} : { eventId: row.eventId }),
  eventType: row.type,
  payload: withContent ? payloadOf(row) : {},
  ...(row.channels === null ? {} : { channels: row.channels }),
  ...(row.tags === null ? {} : { tags: row.tags }),
  ...(row.deliverAt === null ? {} : { deliverAt: row.deliverAt.toISOString() }),
  timestamp: row.at.toISOString(),
});

function payloadOf(row: MessageRow): Record<string, unknown> {
  if (row.body === null) return { expired: true };
  return JSON.parse(Buffer.from(row.body.buffer).toString('utf8')) as Record<string, unknown>;
}
