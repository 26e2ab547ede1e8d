import { z } from 'zod';
import { contentFilter } from './content-filter.js';

const DAY_SEC = 86_400;

const waitSec = z
  .int({ error: 'expected whole seconds' })
  .min(1, { error: 'expected at least 1 second' })
  .max(DAY_SEC, { error: `expected at most ${DAY_SEC} seconds` });

/** Waits that grow by a factor. `tries` counts every try, the first included. */
const exponential = z.strictObject({
  base: waitSec,
  factor: z.number().min(1).max(10),
  max: waitSec,
  tries: z.int().min(2).max(21),
});

/** Seconds between tries: one by one, or growing. */
export const retrySchedule = z.union(
  [
    z
      .array(waitSec)
      .min(1, { error: 'expected at least one wait' })
      .max(20, { error: 'expected at most 20 waits' }),
    exponential,
  ],
  { error: 'expected 1 to 20 waits in seconds, or {base, factor, max, tries}' },
);
export type RetrySchedule = z.infer<typeof retrySchedule>;

/** A JSON pointer (RFC 6901) to a member of the payload. */
const pointer = z
  .string()
  .max(256)
  .regex(/^(\/([^/~]|~[01])*)+$/, { error: 'expected a JSON pointer such as /order/id' });

/**
 * One delivery at a time, in the order messages were accepted: for the whole endpoint, or for each value that `key`
 * points to in the payload. A delivery that is retried holds those behind it; one that is given up lets them go
 * (`skip`), or holds them until somebody sends it again or cancels it (`hold`).
 */
export const fifoPolicy = z.strictObject({
  by: z.union([z.literal('endpoint'), z.strictObject({ key: pointer })], {
    error: 'expected "endpoint" or {"key": "/json/pointer"}',
  }),
  onExhausted: z.enum(['hold', 'skip']).default('skip'),
});
export type FifoPolicy = z.infer<typeof fifoPolicy>;

/** When an endpoint is taken for down: then it is probed, and what waits for it uses up no tries. */
export const breakerPolicy = z.strictObject({
  /** Share of failed tries within the window, in percent. */
  failurePercent: z.int().min(1).max(100).default(70),
  /** With fewer tries in the window the share says nothing. */
  minTries: z.int().min(1).max(1000).default(10),
  windowSec: z.int().min(1).max(600).default(30),
  /** Tries in a row that did not reach it. */
  connectFailures: z.int().min(1).max(1000).default(5),
});
export type BreakerPolicy = z.infer<typeof breakerPolicy>;

/**
 * First tries go together, as a JSON array in one request: at most `max` messages, and none waits for company longer
 * than `maxWaitMs`. A message that failed goes in an array of its own from then on.
 */
export const batchPolicy = z.strictObject({
  max: z.int().min(1).max(100),
  maxWaitMs: z.int().min(0).max(10_000).default(1000),
});
export type BatchPolicy = z.infer<typeof batchPolicy>;

/** How one endpoint is delivered to. What is left out or null is the default. */
export const endpointPolicyIn = z.strictObject({
  retrySchedule: retrySchedule.nullish(),
  timeoutMs: z.int().min(1000).max(30_000).nullish(),
  concurrency: z.int().min(1).max(200).nullish(),
  fifo: fifoPolicy.nullish(),
  filter: contentFilter.nullish(),
  /** `off` never takes the endpoint for down. */
  breaker: z.union([z.literal('off'), breakerPolicy]).nullish(),
  batch: batchPolicy.nullish(),
});
export type EndpointPolicyIn = z.infer<typeof endpointPolicyIn>;

/** As it is stored, the filter aside: every member is there, null is the default. */
export interface EndpointPolicy {
  retrySchedule: RetrySchedule | null;
  timeoutMs: number | null;
  concurrency: number | null;
  fifo: FifoPolicy | null;
  breaker: 'off' | BreakerPolicy | null;
  /** Absent in policies that are older than it. */
  batch?: BatchPolicy | null;
}

/** Where the breaker of an endpoint stands. */
const circuitOut = z.object({
  state: z.enum(['closed', 'open', 'half_open']),
  /** When it left the closed state. */
  since: z.iso.datetime().nullable(),
  /** How often it opened without closing in between. */
  trips: z.int(),
  nextProbeAt: z.iso.datetime().nullable(),
});

export const endpointPolicyOut = z.object({
  retrySchedule: retrySchedule.nullable(),
  timeoutMs: z.int().nullable(),
  concurrency: z.int().nullable(),
  fifo: fifoPolicy.nullable(),
  filter: z.record(z.string(), z.unknown()).nullable(),
  breaker: z.union([z.literal('off'), breakerPolicy]).nullable(),
  batch: batchPolicy.nullable(),
  circuit: circuitOut,
});
export type EndpointPolicyOut = z.infer<typeof endpointPolicyOut>;

/** Defaults for the endpoints of an application. */
export const applicationPolicyIn = z.strictObject({ retrySchedule: retrySchedule.nullish() });
export type ApplicationPolicyIn = z.infer<typeof applicationPolicyIn>;
export const applicationPolicyOut = z.object({ retrySchedule: retrySchedule.nullable() });
export type ApplicationPolicyOut = z.infer<typeof applicationPolicyOut>;

/** `RateLimited` while deliveries wait only because of the endpoint's `throttleRate`. */
export const rateLimitStatusOut = z.object({
  status: z.enum(['Ok', 'RateLimited']),
  throttledSince: z.iso.datetime().optional(),
});
export type RateLimitStatusOut = z.infer<typeof rateLimitStatusOut>;
