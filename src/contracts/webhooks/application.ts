import { z } from 'zod';
import { metadata, throttleRate, uidFor } from './names.js';

const name = z.string().min(1, { error: 'expected a name, got an empty text' }).max(256);
const uid = uidFor('app_');

export const applicationIn = z.object({
  name,
  uid: uid.nullish(),
  throttleRate: throttleRate.nullish(),
  metadata: metadata.default({}),
});
export type ApplicationIn = z.infer<typeof applicationIn>;

export const applicationPatch = z.object({
  name: name.optional(),
  uid: uid.nullish(),
  throttleRate: throttleRate.nullish(),
  metadata: metadata.optional(),
});
export type ApplicationPatch = z.infer<typeof applicationPatch>;

export const applicationOut = z.object({
  id: z.string(),
  uid: z.string().optional(),
  name: z.string(),
  throttleRate: z.int().optional(),
  metadata: z.record(z.string(), z.string()),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type ApplicationOut = z.infer<typeof applicationOut>;
