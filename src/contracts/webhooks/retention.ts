import { z } from 'zod';
const retentionDays = (most: number) => z.int().min(1).max(most);

/** How long an application keeps its data, where it differs from the environment; null = as the environment says. */
export const applicationRetentionIn = z.strictObject({
  /** At most this many days; a message may ask for less. */
  payloadDays: retentionDays(90).nullish(),
  attemptDays: retentionDays(3_650).nullish(),
  /** Of messages, deliveries and tasks. */
  rowDays: retentionDays(3_650).nullish(),
  /** Nothing is removed, neither by time nor on request. */
  legalHold: z.boolean().default(false),
});
export type ApplicationRetentionIn = z.infer<typeof applicationRetentionIn>;

export const applicationRetentionOut = z.object({
  payloadDays: z.int().nullable(),
  attemptDays: z.int().nullable(),
  rowDays: z.int().nullable(),
  legalHold: z.boolean(),
});
export type ApplicationRetention = z.infer<typeof applicationRetentionOut>;
