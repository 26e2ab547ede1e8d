import { z } from 'zod';
import { signingSecret } from './endpoint.js';
import { eventTypeName } from './names.js';

/** The last part of a source's URL. */
export const sourceName = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, {
  error: 'expected 1 to 64 small letters, digits and inner hyphens',
});

/** What the sender signs with; `whpk_` where it keeps an ed25519 key to itself. */
const senderSecret = z.union([
  signingSecret,
  z.string().regex(/^whpk_[A-Za-z0-9+/]{43}=$/, { error: 'expected whpk_ and 32 bytes in base64' }),
]);

const target = {
  description: z.string().max(2_048).optional(),
  /** Id or uid of the application whose messages the events become; null = they are only kept. */
  application: z.string().min(1).max(256).nullish(),
  /** Event type of those messages; null = the member `type` of the event. */
  eventType: eventTypeName.nullish(),
};

export const inboundSourceIn = z.strictObject({
  name: sourceName,
  secret: senderSecret.nullish(),
  ...target,
});
export type InboundSourceIn = z.infer<typeof inboundSourceIn>;

/** Absent = keep, null = clear. A new secret leaves the old one valid for a day. */
export const inboundSourcePatch = z.strictObject({ secret: senderSecret.optional(), ...target });
export type InboundSourcePatch = z.infer<typeof inboundSourcePatch>;

export const inboundSourceOut = z.object({
  name: z.string(),
  description: z.string(),
  /** Where the sender posts to, below the address of the API. */
  path: z.string(),
  application: z.string().nullable(),
  eventType: z.string().nullable(),
  accepted: z.int(),
  /** Sent again with an id that was seen before. */
  repeated: z.int(),
  /** Without a valid signature. */
  refused: z.int(),
  lastRefusal: z.object({ at: z.iso.datetime(), code: z.string() }).nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type InboundSourceOut = z.infer<typeof inboundSourceOut>;

export const inboundReceipt = z.object({
  id: z.string(),
  /** The event was taken before; nothing was done. */
  repeated: z.boolean(),
  messageId: z.string().nullable(),
});
export type InboundReceipt = z.infer<typeof inboundReceipt>;

export const inboundEventOut = z.object({
  id: z.string(),
  webhookId: z.string(),
  messageId: z.string().nullable(),
  payload: z.unknown(),
  at: z.iso.datetime(),
});
export type InboundEventOut = z.infer<typeof inboundEventOut>;
