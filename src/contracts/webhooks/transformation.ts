import { z } from 'zod';
import { channels, eventTypeName } from './names.js';

/** JSONata (jsonata.org). Its result is the body that is sent. */
const code = z
  .string()
  .min(1, { error: 'expected a JSONata expression' })
  .max(51_200, { error: 'expected at most 51200 characters' });

/** What an endpoint makes of payloads before they are signed and sent. */
export interface Transformation {
  code: string | null;
  /** Nothing is transformed while this is false. */
  enabled: boolean;
  updatedAt: Date;
}

/** Absent = keep, null = clear. */
export const transformationPatch = z.object({ code: code.nullish(), enabled: z.boolean().optional() });
export type TransformationPatch = z.infer<typeof transformationPatch>;

export const transformationOut = z.object({
  code: z.string().nullable(),
  enabled: z.boolean(),
  updatedAt: z.iso.datetime().nullable(),
});
export type TransformationOut = z.infer<typeof transformationOut>;

export const simulateIn = z.object({
  code,
  eventType: eventTypeName,
  channels: channels.nullish(),
  payload: z.record(z.string(), z.unknown()),
});
export type SimulateIn = z.infer<typeof simulateIn>;

export const simulateOut = z.object({
  url: z.string(),
  method: z.literal('POST'),
  /** The body as it would be sent. */
  payload: z.string(),
  /** Those that `$withHeaders` adds to the endpoint's own. */
  headers: z.record(z.string(), z.string()),
  cancel: z.boolean(),
});
export type SimulateOut = z.infer<typeof simulateOut>;
