import { z } from 'zod';
import { isWindow, messageFilters, messageOut } from './message.js';
import { reference } from './names.js';
import { pageQuery, queryFlag } from './page.js';

/** Numbers of the compatible surface. */
export const MESSAGE_STATUS = { success: 0, pending: 1, fail: 2, sending: 3, canceled: 4 } as const;
const TRIGGER = { scheduled: 0, manual: 1 } as const;
export const triggerNumber = (trigger: keyof typeof TRIGGER): number => TRIGGER[trigger];

const attemptFilters = {
  ...messageFilters,
  status: z.coerce.number().int().min(0).max(4, { error: 'expected 0 to 4' }).optional(),
  status_code_class: z.coerce
    .number()
    .refine((value) => [0, 100, 200, 300, 400, 500].includes(value), {
      error: 'expected 0, 100, 200, 300, 400 or 500',
    })
    .meta({ type: 'integer', enum: [0, 100, 200, 300, 400, 500] })
    .optional(),
};
const attemptPage = pageQuery('atmpt').extend({
  ...attemptFilters,
  with_content: queryFlag(true),
  with_msg: queryFlag(false),
});
const windowError = { error: 'expected before to be later than after', path: ['before'] };

export const attemptCountQuery = z.object(attemptFilters).refine(isWindow, windowError);
export type AttemptFilters = z.infer<typeof attemptCountQuery>;
export const endpointAttemptsQuery = attemptPage.refine(isWindow, windowError);
export const messageAttemptsQuery = attemptPage
  .extend({ endpoint_id: reference.optional() })
  .refine(isWindow, windowError);
export type AttemptListQuery = z.infer<typeof messageAttemptsQuery>;

export const attemptOut = z.object({
  id: z.string(),
  msgId: z.string(),
  endpointId: z.string(),
  url: z.string(),
  status: z.int(),
  statusText: z.enum(['success', 'pending', 'fail', 'sending', 'canceled']),
  responseStatusCode: z.int(),
  responseDurationMs: z.int(),
  response: z.string(),
  triggerType: z.int(),
  timestamp: z.iso.datetime(),
  msg: messageOut.optional(),
});
export type AttemptOut = z.infer<typeof attemptOut>;

/** Headers of a try: those that were sent, secret ones by name only, and those of the answer. */
export const attemptHeadersOut = z.object({
  sentHeaders: z.record(z.string(), z.string()),
  responseHeaders: z.array(z.array(z.string())).nullable(),
  sensitive: z.array(z.string()),
});
export type AttemptHeadersOut = z.infer<typeof attemptHeadersOut>;

/** Counting ends at a ceiling; then `approximated` is true. */
export const countOut = z.object({ count: z.int(), approximated: z.boolean() });
export type CountOut = z.infer<typeof countOut>;

export const resendOut = z.object({});
