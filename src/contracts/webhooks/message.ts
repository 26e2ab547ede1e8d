import { z } from 'zod';
import { applicationIn } from './application.js';
import { channelName, channels, distinct, eventId, eventTypeName, tagName, UNIQUE } from './names.js';
import { commaList, pageQuery, queryDate, queryFlag } from './page.js';

const DAY_MS = 86_400_000;

export const messageIn = z.object({
  eventType: eventTypeName,
  payload: z.record(z.string(), z.unknown(), { error: 'expected an object' }),
  eventId: eventId.nullish(),
  channels: channels.nullish(),
  tags: z
    .array(tagName)
    .max(5, { error: 'expected at most 5 tags' })
    .refine(distinct, { error: 'expected each tag once' })
    .meta(UNIQUE)
    .nullish(),
  /** First try no earlier than this; at most 30 days ahead. */
  deliverAt: z.iso
    .datetime({ offset: true, error: 'expected an RFC 3339 date-time', abort: true })
    .refine((text) => Date.parse(text) <= Date.now() + 30 * DAY_MS, {
      error: 'expected at most 30 days ahead',
    })
    .refine((text) => Date.parse(text) >= Date.now() - 5 * 60_000, {
      error: 'expected no more than 5 minutes ago',
    })
    .nullish(),
  /** Days. */
  payloadRetentionPeriod: z.int().min(1).max(90).nullish(),
  /** Created on the fly when the application in the path does not exist. */
  application: applicationIn.nullish(),
});
export type MessageIn = z.infer<typeof messageIn>;

export const messageOut = z.object({
  id: z.string(),
  eventId: z.string().optional(),
  eventType: z.string(),
  payload: z.record(z.string(), z.unknown()),
  channels: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional(),
  deliverAt: z.iso.datetime().optional(),
  timestamp: z.iso.datetime(),
});
export type MessageOut = z.infer<typeof messageOut>;

/** One message, with what lists leave out. */
export const messageDetailOut = messageOut.extend({
  /** Where the payload does not fit the schema of its event type; only when schemas warn. */
  schemaWarnings: z.array(z.string()).optional(),
});
export type MessageDetailOut = z.infer<typeof messageDetailOut>;

export const messageContentQuery = z.object({ with_content: queryFlag(true) });

/** What messages and attempts can be filtered by; `before` and `after` are exclusive. */
export const messageFilters = {
  channel: channelName.optional(),
  tag: tagName.optional(),
  before: queryDate,
  after: queryDate,
  event_types: commaList(eventTypeName),
};

export const isWindow = (query: { before?: Date | undefined; after?: Date | undefined }) =>
  query.before === undefined || query.after === undefined || query.before > query.after;

export const messageListQuery = pageQuery('msg')
  .extend({ ...messageFilters, with_content: queryFlag(true) })
  .refine(isWindow, { error: 'expected before to be later than after', path: ['before'] });
export type MessageListQuery = z.infer<typeof messageListQuery>;
