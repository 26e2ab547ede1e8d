import { z } from 'zod';

const standing = {
  /** As `status`, but tells a paused task and a canceled one too. */
  state: z.enum(['running', 'paused', 'finished', 'canceled', 'failed']),
  /** Of the total, 0 to 100. */
  percent: z.int().optional(),
  /** Why it ended before its end. */
  reason: z.string().optional(),
};

const replayData = z.object({
  ...standing,
  appId: z.string(),
  endpointId: z.string(),
  messagesSent: z.int(),
  /** Found and left out: changed meanwhile, or their payload is no longer stored. */
  messagesSkipped: z.int(),
  /** How many there were when the task began; absent until they are counted. */
  messagesTotal: z.int().optional(),
  ratePerSec: z.int(),
  since: z.iso.datetime(),
  until: z.iso.datetime(),
});

const purgeData = z.object({
  ...standing,
  appId: z.string(),
  messagesPurged: z.int(),
  messagesSeen: z.int(),
  messagesTotal: z.int().optional(),
});

// What a task found is given by `GET /background-task/{id}`, when the task has ended.
const walked = { ...standing, seen: z.int(), total: z.int().optional() };

const usageData = z.object({
  ...walked,
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  /** Tries of each application. */
  appStats: z
    .array(z.object({ appId: z.string(), appUid: z.string().nullable(), messageDestinations: z.int() }))
    .optional(),
});

const subscriptionData = z.object({
  ...walked,
  event_types: z
    .array(
      z.object({
        appId: z.string(),
        explicitlySubscribedEventTypes: z.array(z.string()),
        hasCatchAllEndpoint: z.boolean(),
      }),
    )
    .optional(),
});

const exportData = z.object({
  ...walked,
  /** An OpenAPI 3.1 document with a webhook for each event type. */
  spec: z.record(z.string(), z.unknown()).optional(),
});

const broadcastData = z.object({
  ...walked,
  messagesCreated: z.array(z.object({ appId: z.string(), msgId: z.string() })).optional(),
});

/** What a task tells of itself, by its kind. */
export const taskData = z.union([
  replayData,
  purgeData,
  usageData,
  subscriptionData,
  exportData,
  broadcastData,
]);
export type TaskData = z.infer<typeof taskData>;
