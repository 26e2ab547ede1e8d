import { z } from 'zod';

// Patterns and lengths are those of the public API description this surface is compatible with
// (svix-webhooks, library edition 1.947.0), so that its SDKs meet no surprise.

const UID_PATTERN = /^[a-zA-Z0-9\-_.]+$/;
const CHANNEL_PATTERN = /^[a-zA-Z0-9\-_.:+]+$/;
const TAG_PATTERN = /^[a-zA-Z0-9\-_./\\#]+$/;

/** How `distinct` is said in the description. */
export const UNIQUE = { uniqueItems: true };

const named = (pattern: RegExp, max: number, what: string) =>
  z
    .string()
    .min(1, { error: `expected ${what}, got an empty text` })
    .max(max, { error: `expected at most ${max} characters` })
    .regex(pattern, { error: `expected ${what} of the form ${pattern.source}` });

export const eventTypeName = named(UID_PATTERN, 256, 'an event type');
/** An event type, or `prefix.*` for all that start with the prefix. */
export const eventTypeFilter = named(
  /^[a-zA-Z0-9\-_.]+(?:\.\*)?$/,
  256,
  'an event type or a prefix followed by .*,',
);
export const channelName = named(CHANNEL_PATTERN, 128, 'a channel');
export const tagName = named(TAG_PATTERN, 128, 'a tag');
export const eventId = named(UID_PATTERN, 256, 'an event id');
const uid = named(UID_PATTERN, 256, 'a uid');
/** An id or a uid in a path. */
export const reference = named(UID_PATTERN, 256, 'an id or uid');

/** A caller's own name for a resource; must not look like one of our ids. */
export const uidFor = (prefix: string) =>
  uid
    .refine((text) => !text.startsWith(prefix), { error: `a uid must not start with ${prefix}` })
    .meta({ not: { pattern: `^${prefix}` } });

/** The database cannot name a field so. */
const metadataName = z
  .string()
  .max(256)
  .refine((name) => !name.includes('\0'), { error: 'expected a name without the character U+0000' })
  .meta({ pattern: '^[^\\u0000]*$' });

export const metadata = z
  .record(metadataName, z.string().max(4_096))
  .refine((map) => Object.keys(map).length <= 50, { error: 'expected at most 50 entries' })
  .meta({ maxProperties: 50 });

/** 1 to 10 distinct channels. */
export const channels = z
  .array(channelName)
  .min(1, { error: 'expected at least one channel, or null for none' })
  .max(10, { error: 'expected at most 10 channels' })
  .refine(distinct, { error: 'expected each channel once' })
  .meta(UNIQUE);

export const throttleRate = z.int().min(1).max(65_535);

export function distinct(items: readonly string[]): boolean {
  return new Set(items).size === items.length;
}
