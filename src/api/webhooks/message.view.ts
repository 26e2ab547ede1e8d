import type { MessageDetailOut, MessageOut } from '../../contracts/webhooks/message.js';
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

export const messageDetailView = (row: MessageRow, withContent: boolean): MessageDetailOut => ({
  ...messageView(row, withContent),
  ...(row.misfits === undefined ? {} : { schemaWarnings: row.misfits }),
});

/** The payload as it was received. */
export const payloadText = (row: MessageRow): string =>
  row.body === null ? '{"expired":true}' : Buffer.from(row.body.buffer).toString('utf8');

const payloadOf = (row: MessageRow) => JSON.parse(payloadText(row)) as Record<string, unknown>;
