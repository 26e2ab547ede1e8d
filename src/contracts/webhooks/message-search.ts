import { z } from 'zod';
import { isWindow } from './message.js';
import { channelName, channels, distinct, eventTypeName, reference, tagName, UNIQUE } from './names.js';
import { pageQuery, queryDate } from './page.js';

const optional = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined);
const { iterator } = pageQuery('msg').shape;

/** The list of messages as a body, for filters that are too long for a URL. */
export const messageSearchIn = z
  .object({
    limit: z.int().min(1).max(250).default(50),
    iterator: optional(iterator),
    channel: optional(channelName),
    tag: optional(tagName),
    before: optional(queryDate),
    after: optional(queryDate),
    event_types: optional(
      z.array(eventTypeName).max(500).refine(distinct, { error: 'expected each once' }).meta(UNIQUE),
    ),
    with_content: z.boolean().default(false),
  })
  .refine(isWindow, { error: 'expected before to be later than after', path: ['before'] });
export type MessageSearchIn = z.infer<typeof messageSearchIn>;

export const messagePrecheckIn = z.object({ eventType: eventTypeName, channels: channels.nullish() });
export type MessagePrecheckIn = z.infer<typeof messagePrecheckIn>;
export const messagePrecheckOut = z.object({ active: z.boolean() });

export const MAX_EXPUNGED = 1_000;

/** Ids or event ids. */
export const bulkExpungeIn = z.object({
  ids: z
    .array(reference)
    .max(MAX_EXPUNGED, { error: `expected at most ${MAX_EXPUNGED} ids` })
    .refine(distinct, { error: 'expected each id once' })
    .meta(UNIQUE)
    .default([]),
});
export type BulkExpungeIn = z.infer<typeof bulkExpungeIn>;
export const bulkExpungeOut = z.object({ results: z.record(z.string(), z.enum(['expunged', 'not-found'])) });
export type BulkExpungeOut = z.infer<typeof bulkExpungeOut>;

/** The payload as text, exactly as it was received. */
export const rawPayloadOut = z.object({ payload: z.string() });
