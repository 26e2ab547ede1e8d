import { z } from 'zod';

const role = z.enum(['viewer', 'operator', 'admin']);

/** Strict: an unknown member is a 422, as on all routes of our own. */
export const apiKeyIn = z.strictObject({
  name: z.string().min(1).max(256),
  role: role.default('operator'),
  /** Narrows the role, e.g. `["messages:write"]`. */
  scopes: z
    .array(
      z.string().regex(/^[a-z-]+:(read|write|create)$/, { error: 'expected a scope such as messages:write' }),
    )
    .min(1)
    .max(20)
    .nullish(),
  /** Id or uid of the only application the key may touch. */
  application: z.string().min(1).max(256).nullish(),
  /** The key works until then; for ever when left out. */
  expiresAt: z.iso
    .datetime({ offset: true, error: 'expected an RFC 3339 date-time', abort: true })
    .refine((text) => Date.parse(text) > Date.now(), { error: 'expected a time in the future' })
    .nullish(),
});
export type ApiKeyIn = z.infer<typeof apiKeyIn>;

export const apiKeyOut = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string(),
  role,
  scopes: z.array(z.string()),
  application: z.string().optional(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  revokedAt: z.iso.datetime().optional(),
});
export type ApiKeyOut = z.infer<typeof apiKeyOut>;

/** The token is shown once, at creation. */
export const createdApiKeyOut = apiKeyOut.extend({ token: z.string() });
export const apiKeyList = z.object({ data: z.array(apiKeyOut) });
