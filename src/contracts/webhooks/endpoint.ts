import { z } from 'zod';
import { channels, distinct, eventTypeFilter, metadata, throttleRate, UNIQUE, uidFor } from './names.js';
import { requestHeaders } from './request-header.js';

const url = z
  .string()
  .min(1, { error: 'expected an absolute URL' })
  .max(2_048, { error: 'expected at most 2048 characters' })
  .meta({ format: 'uri' });
const uid = uidFor('ep_');
const eventTypes = z
  .array(eventTypeFilter)
  .min(1, { error: 'expected at least one event type, or null for all' })
  .max(500)
  .refine(distinct, { error: 'expected each event type once' })
  .meta(UNIQUE);

/** `whsec_` (HMAC-SHA256, also without prefix) or `whsk_` (ed25519) and base64. */
export const signingSecret = z.string().regex(/^(whsec_|whsk_)?[a-zA-Z0-9+/=]{32,100}$/, {
  error: 'expected whsec_ followed by 24 to 75 bytes in base64, or whsk_ followed by an ed25519 key',
});

export const endpointIn = z.object({
  url,
  uid: uid.nullish(),
  description: z.string().max(2_048).default(''),
  eventTypes: eventTypes.nullish(),
  channels: channels.nullish(),
  secret: signingSecret.nullish(),
  headers: requestHeaders.nullish(),
  metadata: metadata.default({}),
  disabled: z.boolean().default(false),
  throttleRate: throttleRate.nullish(),
});
export type EndpointIn = z.infer<typeof endpointIn>;

/** PUT replaces what can be seen; secret and headers keep their own routes. */
export const endpointUpdate = endpointIn.omit({ secret: true, headers: true });
export type EndpointUpdate = z.infer<typeof endpointUpdate>;

/** Absent = keep, null = clear. */
export const endpointPatch = z.object({
  url: url.optional(),
  uid: uid.nullish(),
  description: z.string().max(2_048).optional(),
  eventTypes: eventTypes.nullish(),
  channels: channels.nullish(),
  metadata: metadata.optional(),
  disabled: z.boolean().optional(),
  throttleRate: throttleRate.nullish(),
});
export type EndpointPatch = z.infer<typeof endpointPatch>;

export const endpointOut = z.object({
  id: z.string(),
  uid: z.string().optional(),
  url: z.string(),
  description: z.string(),
  eventTypes: z.array(z.string()).optional(),
  channels: z.array(z.string()).optional(),
  disabled: z.boolean(),
  throttleRate: z.int().optional(),
  metadata: z.record(z.string(), z.string()),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type EndpointOut = z.infer<typeof endpointOut>;

export const secretOut = z.object({ key: z.string() });
export const secretRotateIn = z.object({
  key: signingSecret.nullish(),
  gracePeriodSeconds: z.int().min(0).max(604_800).nullish(),
});
export type SecretRotateIn = z.infer<typeof secretRotateIn>;
