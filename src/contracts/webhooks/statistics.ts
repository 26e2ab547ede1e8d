import { z } from 'zod';
import { eventTypeName } from './names.js';
import { commaList, queryDate, requiredQueryDate } from './page.js';

/** How tries end, as they are counted. */
export type AnswerClass =
  '2xx' | '3xx' | '4xx' | '5xx' | 'timeout' | 'dns' | 'tls' | 'connect' | 'forbidden' | 'other';

const DAY_MS = 86_400_000;
const MAX_WINDOW_MS = 28 * DAY_MS;
const MAX_BUCKETS = 1_500;

interface Window {
  since?: Date | undefined;
  until?: Date | undefined;
}

/** The window that a query names: the last 24 hours where it leaves something out. */
export function windowOf({ since, until }: Window, now: Date): { since: Date; until: Date } {
  const to = until ?? now;
  return { since: since ?? new Date(to.getTime() - DAY_MS), until: to };
}

const isForward = (query: Window) => {
  const { since, until } = windowOf(query, new Date());
  return since < until;
};
const isShort = (query: Window) => {
  const { since, until } = windowOf(query, new Date());
  return until.getTime() - since.getTime() <= MAX_WINDOW_MS;
};
const forward = { error: 'expected since to be earlier than until', path: ['since'] };
const short = { error: 'expected a window of at most 28 days', path: ['since'] };
const window = z.object({ since: queryDate, until: queryDate });

export const endpointStatsQuery = window.refine(isForward, forward).refine(isShort, short);
export type EndpointStatsQuery = z.infer<typeof endpointStatsQuery>;
export const endpointStatsOut = z.object({
  success: z.int(),
  pending: z.int(),
  sending: z.int(),
  fail: z.int(),
  canceled: z.int(),
  /** More are pending or canceled than were counted: counting ends at 50,000 a state. */
  approximated: z.boolean(),
});
export type EndpointStatsOut = z.infer<typeof endpointStatsOut>;

export const attemptStatsQuery = z
  .object({ since: requiredQueryDate, until: requiredQueryDate, event_types: commaList(eventTypeName) })
  .refine(isForward, forward)
  .refine(isShort, short);
export type AttemptStatsQuery = z.infer<typeof attemptStatsQuery>;
const outcomes = z.object({ success: z.int(), failure: z.int(), canceled: z.int() });
export const attemptStatsOut = z.object({
  by_event_type: z.record(z.string(), outcomes),
  total_success: z.int(),
  total_failure: z.int(),
  total_canceled: z.int(),
  since: z.iso.datetime(),
  until: z.iso.datetime(),
});
export type AttemptStatsOut = z.infer<typeof attemptStatsOut>;

const BUCKET_MS = { '1m': 60_000, '1h': 3_600_000, '1d': DAY_MS } as const;
export const bucketMs = (bucket: keyof typeof BUCKET_MS): number => BUCKET_MS[bucket];

export const endpointHealthQuery = window
  .extend({ bucket: z.enum(['1m', '1h', '1d'], { error: 'expected 1m, 1h or 1d' }).default('1h') })
  .refine(isForward, forward)
  .refine(isShort, short)
  .refine(
    (query) => {
      const { since, until } = windowOf(query, new Date());
      return (until.getTime() - since.getTime()) / BUCKET_MS[query.bucket] <= MAX_BUCKETS;
    },
    {
      error: `expected at most ${MAX_BUCKETS} buckets: take a shorter window or larger ones`,
      path: ['bucket'],
    },
  );
export type EndpointHealthQuery = z.infer<typeof endpointHealthQuery>;

const latency = z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable();
const counts = {
  attempts: z.int(),
  delivered: z.int(),
  /** Delivered at the first try. */
  firstTry: z.int(),
  retries: z.int(),
  exhausted: z.int(),
  canceled: z.int(),
  /** Tries by how they ended (`AnswerClass`). */
  classes: z.record(z.string(), z.int()),
  /** Sent, bodies only. */
  bytes: z.int(),
  /** One HTTP exchange, milliseconds within 5 %; null without attempts. */
  tryMs: latency,
  /** From the accept to the end of the try that delivered, milliseconds within 5 %. */
  deliveredMs: latency,
};
const tryFault = z.object({
  attemptId: z.string(),
  at: z.iso.datetime(),
  statusCode: z.int(),
  why: z.string(),
});

export const endpointHealthOut = z.object({
  state: z.enum(['healthy', 'degraded', 'failing', 'disabled']),
  /** Of the tries in the window; null without tries. */
  successRate: z.number().nullable(),
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
  /** Deliveries that are not finished. */
  waiting: z.int(),
  /** More are waiting than were counted: counting ends at 50,000 a state. */
  waitingApproximated: z.boolean(),
  oldestWaitingSec: z.number().nullable(),
  breaker: z.string(),
  failingSince: z.iso.datetime().nullable(),
  /** When it will be disabled if every try goes on failing. */
  disableAt: z.iso.datetime().nullable(),
  lastSuccess: z.iso.datetime().nullable(),
  lastError: tryFault.nullable(),
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  total: z.object(counts),
  /** Only those with attempts, oldest first. */
  buckets: z.array(z.object({ at: z.iso.datetime(), ...counts })),
});
export type EndpointHealthOut = z.infer<typeof endpointHealthOut>;
