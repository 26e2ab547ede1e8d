import { z } from 'zod';

const YEAR_SEC = 31_536_000;
const DAY_SEC = 86_400;

export const createTokenIn = z.object({
  name: z.string().min(1, { error: 'expected a name, got an empty text' }).max(256),
  /** Seconds; for ever when left out. */
  expiry: z
    .int()
    .min(1)
    .max(10 * YEAR_SEC)
    .nullish(),
});
export type CreateTokenIn = z.infer<typeof createTokenIn>;

export const rotatePollerTokenIn = z.object({
  /** Seconds; for ever when left out. */
  expiry: z.int().min(1).max(YEAR_SEC).nullish(),
  /** Seconds the token before goes on working. */
  oldTokenExpiry: z.int().min(0).max(DAY_SEC).default(300),
});
export type RotatePollerTokenIn = z.infer<typeof rotatePollerTokenIn>;

export const apiTokenOut = z.object({
  id: z.string(),
  token: z.string(),
  name: z.string().optional(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  scopes: z.array(z.string()).optional(),
});
export type ApiTokenOut = z.infer<typeof apiTokenOut>;
