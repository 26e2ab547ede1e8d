import { z } from 'zod';
import { channelName, distinct, eventTypeName, tagName, UNIQUE } from './names.js';
import { ordering, pageQuery, queryFlag } from './page.js';
import { REPLAY_RATE } from './replay.js';
import type { TaskKind } from './task.js';
import { taskData } from './task-data.js';

const DAY_MS = 86_400_000;
const LONGEST_WINDOW_MS = 14 * DAY_MS;
/** A caller's clock may differ a little, and its request takes a moment. */
const CLOCK_TOLERANCE_MS = 60_000;

const dateTime = z.iso.datetime({ offset: true, error: 'expected an RFC 3339 date-time', abort: true });
const since = dateTime.refine((text) => Date.parse(text) <= Date.now() + CLOCK_TOLERANCE_MS, {
  error: 'expected a time in the past',
});
const window = { since, until: dateTime.nullish() };

const endOf = ({ until }: { until?: string | null | undefined }) =>
  Math.min(Date.parse(until ?? '') || Infinity, Date.now());
const isOrdered = (body: { since: string; until?: string | null | undefined }) =>
  body.until == null || Date.parse(body.since) < Date.parse(body.until);
const isShort = (body: { since: string; until?: string | null | undefined }) =>
  endOf(body) - Date.parse(body.since) <= LONGEST_WINDOW_MS + CLOCK_TOLERANCE_MS;
const orderedError = { error: 'expected since to be earlier than until', path: ['since'] };
const shortError = { error: 'expected a window of at most 14 days', path: ['since'] };

export const replayIn = z.object(window).refine(isOrdered, orderedError).refine(isShort, shortError);

export const bulkReplayIn = z
  .object({
    ...window,
    eventTypes: z
      .array(eventTypeName)
      .max(500)
      .refine(distinct, { error: 'expected each event type once' })
      .meta(UNIQUE)
      .nullish(),
    channel: channelName.nullish(),
    tag: tagName.nullish(),
    status: z.int().min(0).max(4, { error: 'expected 0 to 4' }).nullish(),
    statusCodeClass: z.literal([0, 100, 200, 300, 400, 500]).nullish(),
  })
  .refine(isOrdered, orderedError)
  .refine(isShort, shortError);
/** What all three ways to send again take; recover and replay-missing have the window only. */
export type ReplayIn = z.infer<typeof bulkReplayIn>;

/** `?dry_run=true` counts and starts nothing. */
export const replayQuery = z.object({ dry_run: queryFlag(false) });
export const replayCountOut = z.object({
  count: z.int(),
  /** Counting was stopped after two seconds: there are at least `count`. */
  approximated: z.boolean(),
});
export type ReplayCountOut = z.infer<typeof replayCountOut>;

const taskStatus = z.enum(['running', 'finished', 'failed']);
export type TaskStatus = z.infer<typeof taskStatus>;
const taskType = z.enum([
  'endpoint.replay',
  'endpoint.recover',
  'endpoint.bulk-replay',
  'application.stats',
  'application.purge_content',
  'event-type.aggregate',
  'message.broadcast',
  'sdk.generate',
] satisfies TaskKind[]);

export const taskStartedOut = z.object({
  id: z.string(),
  status: taskStatus,
  task: taskType,
  updatedAt: z.iso.datetime(),
});
export type TaskStartedOut = z.infer<typeof taskStartedOut>;

export const backgroundTaskOut = taskStartedOut.extend({ data: taskData });
export type BackgroundTaskOut = z.infer<typeof backgroundTaskOut>;

export const taskListQuery = pageQuery('qtask').extend({
  order: ordering.default('descending'),
  status: taskStatus.optional(),
  task: taskType.optional(),
});
export type TaskListQuery = z.infer<typeof taskListQuery>;

export const taskId = z
  .string()
  .regex(/^qtask_[0-9A-Za-z]{27}$/, { error: 'expected the id of a task, qtask_ and 27 characters' });

/** Strict: a route of our own. */
export const taskPatch = z.strictObject({
  ratePerSec: z.int().min(REPLAY_RATE.least).max(REPLAY_RATE.most),
});
export type TaskPatch = z.infer<typeof taskPatch>;

export const exampleIn = z.object({
  eventType: eventTypeName,
  /** Which of several examples; ignored where there is one. */
  exampleIndex: z.int().min(0).default(0),
});
export type ExampleIn = z.infer<typeof exampleIn>;

export const cancelMessagesIn = z.object({ createdBefore: dateTime });
export type CancelMessagesIn = z.infer<typeof cancelMessagesIn>;
