import { z } from 'zod';
import { applicationIn } from '../webhooks/application.js';

const HOUR_SEC = 3600;
const WEEK_SEC = 7 * 24 * HOUR_SEC;
const THREE_DAYS_SEC = 3 * 24 * HOUR_SEC;

/** What a customer's token may do beyond reading. */
export const PORTAL_CAPABILITIES = [
  'ViewBase',
  'ViewEndpointSecret',
  'ManageEndpointSecret',
  'ManageTransformations',
  'CreateAttempts',
  'ManageEndpoint',
] as const;
export type PortalCapability = (typeof PORTAL_CAPABILITIES)[number];

const sessionId = z
  .string()
  .regex(/^[a-zA-Z0-9@_-]{1,64}$/, { error: 'expected 1 to 64 of letters, digits, @ _ -' });

export const portalAccessIn = z.object({
  /** Created on the fly when the application in the path does not exist. */
  application: applicationIn.nullish(),
  capabilities: z.array(z.enum(PORTAL_CAPABILITIES)).max(20).nullish(),
  /** Older than `capabilities`; true = `ViewBase` only. */
  readOnly: z.boolean().nullish(),
  /** Seconds. */
  expiry: z
    .int()
    .min(HOUR_SEC, { error: `expected at least ${HOUR_SEC} seconds` })
    .max(WEEK_SEC, { error: `expected at most ${WEEK_SEC} seconds` })
    .nullish()
    .transform((seconds) => seconds ?? WEEK_SEC),
  sessionId: sessionId.nullish(),
});
export type PortalAccessIn = z.infer<typeof portalAccessIn>;

export const portalAccessOut = z.object({ url: z.url(), token: z.string() });
export type PortalAccessOut = z.infer<typeof portalAccessOut>;

export const oneTimeTokenIn = z.object({ oneTimeToken: z.string().max(200) });
export type OneTimeTokenIn = z.infer<typeof oneTimeTokenIn>;

export const oneTimeTokenOut = z.object({
  token: z.string(),
  capabilities: z.array(z.enum(PORTAL_CAPABILITIES)),
});
export type OneTimeTokenOut = z.infer<typeof oneTimeTokenOut>;

export const expireAllIn = z.object({
  /** Seconds until they end. */
  expiry: z.int().min(0).max(THREE_DAYS_SEC).nullish(),
  /** Only tokens of these sessions. */
  sessionIds: z.array(sessionId).max(1000).nullish(),
});
export type ExpireAllIn = z.infer<typeof expireAllIn>;

export const whoamiOut = z.object({
  appId: z.string().optional(),
  permissionSource: z.literal('Unknown'),
});
