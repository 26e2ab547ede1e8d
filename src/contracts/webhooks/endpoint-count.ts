import { z } from 'zod';
import { queryFlag } from './page.js';

export const endpointCountQuery = z.object({
  /** Leaves out endpoints at play.svix.com. */
  exclude_svix_play: queryFlag(true),
});
export type EndpointCountQuery = z.infer<typeof endpointCountQuery>;
export const endpointCountOut = z.object({ active: z.int(), disabled: z.int() });
export type EndpointCountOut = z.infer<typeof endpointCountOut>;

export const activeAppQuery = endpointCountQuery.extend({ exclude_disabled: queryFlag(true) });
export type ActiveAppQuery = z.infer<typeof activeAppQuery>;
export const activeAppOut = z.object({ count: z.int() });
export type ActiveAppOut = z.infer<typeof activeAppOut>;
