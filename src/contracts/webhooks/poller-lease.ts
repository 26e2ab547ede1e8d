import { z } from 'zod';
import { messageOut } from './message.js';
import { pageQuery } from './page.js';

const MOST_LEASE_MS = 3_600_000;
const LEASE_MS = 30_000;

export const leasedPollQuery = z.object({
  limit: pageQuery('msg').shape.limit,
  /** How long the messages are given to nobody else; 0 = they are given again at once, until they are committed. */
  lease_duration_ms: z.coerce
    .number({ error: 'expected milliseconds' })
    .int()
    .min(0, { error: 'expected 0 or more milliseconds' })
    .max(MOST_LEASE_MS, { error: `expected at most ${MOST_LEASE_MS} milliseconds` })
    .default(LEASE_MS),
  /** Where a consumer begins at its first call: with the polling endpoint's first message, or with those to come. */
  starting_position: z.enum(['earliest', 'latest'], { error: 'expected earliest or latest' }).optional(),
});
export type LeasedPollQuery = z.infer<typeof leasedPollQuery>;

/** In the order of their accept. Without `done` there is more, or somebody has what there is. */
export const leasedPollOut = z.object({
  data: z.array(messageOut.extend({ offset: z.int() })),
  done: z.boolean(),
});
export type LeasedPollOut = z.infer<typeof leasedPollOut>;

/** The offset of the last message that was worked through. */
export const leaseCommitIn = z.object({ offset: z.int().min(0) });
export type LeaseCommitIn = z.infer<typeof leaseCommitIn>;
