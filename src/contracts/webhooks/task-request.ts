import { z } from 'zod';
import { taskStartedOut } from './background-task.js';
import { messageIn } from './message.js';
import { distinct, reference, UNIQUE } from './names.js';
import { requiredQueryDate } from './page.js';

const DAY_MS = 86_400_000;
/** So long days are counted. */
const MOST_DAYS = 400;
const MOST_APPS = 1_000;

/** Tries of applications in a window, as it is counted: widened to whole minutes, hours or days. */
export const appUsageIn = z
  .object({
    since: requiredQueryDate,
    until: requiredQueryDate,
    /** Ids or uids; null = all. */
    appIds: z
      .array(reference)
      .max(MOST_APPS, { error: `expected at most ${MOST_APPS} applications` })
      .refine(distinct, { error: 'expected each application once' })
      .meta(UNIQUE)
      .nullish(),
  })
  .refine(({ since, until }) => since < until, {
    error: 'expected since to be earlier than until',
    path: ['since'],
  })
  .refine(({ since, until }) => until.getTime() - since.getTime() <= MOST_DAYS * DAY_MS, {
    error: `expected a window of at most ${MOST_DAYS} days`,
    path: ['since'],
  });
export type AppUsageIn = z.infer<typeof appUsageIn>;

export const appUsageOut = taskStartedOut.extend({ unresolvedAppIds: z.array(z.string()) });
export type AppUsageOut = z.infer<typeof appUsageOut>;

/** One message for every application. */
export const broadcastIn = messageIn
  .pick({ eventType: true, payload: true, eventId: true, channels: true, payloadRetentionPeriod: true })
  .extend({ payloadRetentionHours: z.int().min(1).max(2_160).nullish() })
  .refine((body) => body.payloadRetentionPeriod == null || body.payloadRetentionHours == null, {
    error: 'expected either payloadRetentionPeriod or payloadRetentionHours',
    path: ['payloadRetentionHours'],
  });
export type BroadcastIn = z.infer<typeof broadcastIn>;
