import { z } from 'zod';
import { contentFilter } from './content-filter.js';
import { endpointIn } from './endpoint.js';
import { messageOut } from './message.js';
import { channelName, eventTypeName, uidFor } from './names.js';
import { commaList, pageQuery, queryDate } from './page.js';

const { description, eventTypes, channels, metadata, disabled } = endpointIn.shape;

/** Strict: a route of our own. What it wants is told as for an endpoint; it has no URL, its messages are fetched. */
export const pollingEndpointIn = z.strictObject({
  uid: uidFor('poll_').nullish(),
  description,
  eventTypes,
  channels,
  filter: contentFilter.nullish(),
  metadata,
  disabled,
});
export type PollingEndpointIn = z.infer<typeof pollingEndpointIn>;

export const pollingEndpointOut = z.object({
  id: z.string(),
  uid: z.string().optional(),
  description: z.string(),
  eventTypes: z.array(z.string()).optional(),
  channels: z.array(z.string()).optional(),
  filter: z.record(z.string(), z.unknown()).optional(),
  metadata: z.record(z.string(), z.string()),
  disabled: z.boolean(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type PollingEndpointOut = z.infer<typeof pollingEndpointOut>;

export const pollingEndpointListQuery = pageQuery('poll');
export type PollingEndpointListQuery = z.infer<typeof pollingEndpointListQuery>;

const iterator = z
  .string()
  .regex(/^msg_[0-9A-Za-z]{27}$/, { error: 'expected the iterator of an earlier answer' })
  .optional();
const { limit } = pageQuery('msg').shape;

export const consumerPollQuery = z.object({ limit, iterator });
export type ConsumerPollQuery = z.infer<typeof consumerPollQuery>;
export const pollQuery = consumerPollQuery.extend({
  event_type: eventTypeName.optional(),
  channel: channelName.optional(),
  /** Exclusive. Without it and without an iterator reading begins when the polling endpoint was made. */
  after: queryDate,
});
export type PollQuery = z.infer<typeof pollQuery>;

export const messageEventsQuery = consumerPollQuery.extend({
  event_types: commaList(eventTypeName),
  channels: commaList(channelName),
  /** Exclusive. Without it and without an iterator reading begins with the oldest message. */
  after: queryDate,
});
export type MessageEventsQuery = z.infer<typeof messageEventsQuery>;

/** In the order of their accept. `iterator` is never null: it is where the next call goes on. */
export const pollOut = z.object({ data: z.array(messageOut), iterator: z.string(), done: z.boolean() });
export type PollOut = z.infer<typeof pollOut>;

/** A caller's own name for one of those who share the messages of a polling endpoint. */
export const consumerName = z
  .string()
  .regex(/^[a-zA-Z0-9\-_.]{1,256}$/, { error: 'expected 1 to 256 of letters, digits, - _ .' });

export const consumerSeekIn = z.object({
  after: z.iso.datetime({ offset: true, error: 'expected an RFC 3339 date-time' }),
});
export type ConsumerSeekIn = z.infer<typeof consumerSeekIn>;
export const consumerSeekOut = z.object({ iterator: z.string() });
export type ConsumerSeekOut = z.infer<typeof consumerSeekOut>;
