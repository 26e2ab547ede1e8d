import { z } from 'zod';
import { reference } from './names.js';
import { pageQuery } from './page.js';

export const skippedEndpointsQuery = pageQuery('ep').extend({
  /** Only this endpoint: on the page if it was passed over, an empty page if not. */
  endpoint_id: reference.optional(),
});
export type SkippedEndpointsQuery = z.infer<typeof skippedEndpointsQuery>;

/** An endpoint that a message was not sent to when it was accepted, and the rule that left it out. */
export const skippedEndpointOut = z.object({
  endpointId: z.string(),
  endpointUid: z.string().optional(),
  reason: z.enum(['event_type', 'channel', 'filter', 'disabled']).meta({
    description:
      'What left it out, the first that does of: it was disabled; it wants other event types; ' +
      'it wants channels that the message has not; its content filter refuses the payload.',
  }),
});
export type SkippedEndpointOut = z.infer<typeof skippedEndpointOut>;
