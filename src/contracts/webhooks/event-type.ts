import { z } from 'zod';
import { distinct, eventTypeName, UNIQUE } from './names.js';
import { ordering, pageQuery, queryFlag } from './page.js';

// A leading minus means "backwards" in an iterator, and the iterator of this list is a name.
const name = eventTypeName.refine((text) => !text.startsWith('-'), {
  error: 'expected an event type that does not start with -',
});
const description = z.string().max(8_192);
const featureFlags = z
  .array(eventTypeName)
  .min(1, { error: 'expected at least one feature flag, or null for none' })
  .max(50)
  .refine(distinct, { error: 'expected each feature flag once' })
  .meta(UNIQUE);

/** JSON Schemas by version: `{"1": {…}}`. The highest version checks messages. */
const schemas = z
  .record(
    z.string().regex(/^[a-zA-Z0-9\-_.]{1,64}$/, { error: 'expected a version such as 1' }),
    z.union([z.record(z.string(), z.unknown()), z.boolean()], { error: 'expected a JSON Schema' }),
  )
  .refine((map) => Object.keys(map).length <= 50, { error: 'expected at most 50 versions' })
  .meta({ maxProperties: 50 });

export const eventTypeUpsert = z.object({
  description,
  archived: z.boolean().default(false),
  deprecated: z.boolean().default(false),
  schemas: schemas.nullish(),
  groupName: eventTypeName.nullish(),
  featureFlags: featureFlags.nullish(),
});
export type EventTypeUpsert = z.infer<typeof eventTypeUpsert>;

export const eventTypeIn = eventTypeUpsert.extend({ name });
export type EventTypeIn = z.infer<typeof eventTypeIn>;

/** Absent = keep, null = clear. */
export const eventTypePatch = z.object({
  description: description.optional(),
  archived: z.boolean().optional(),
  deprecated: z.boolean().optional(),
  schemas: schemas.nullish(),
  groupName: eventTypeName.nullish(),
  featureFlags: featureFlags.nullish(),
});
export type EventTypePatch = z.infer<typeof eventTypePatch>;

export type EventTypeSchemas = z.infer<typeof schemas>;

export const eventTypeOut = z.object({
  name: z.string(),
  description: z.string(),
  archived: z.boolean(),
  deprecated: z.boolean(),
  schemas: z.record(z.string(), z.unknown()).nullish(),
  groupName: z.string().optional(),
  featureFlags: z.array(z.string()).optional(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type EventTypeOut = z.infer<typeof eventTypeOut>;

export const eventTypeListQuery = pageQuery('unused').extend({
  iterator: z
    .string()
    .max(257)
    .regex(/^[a-zA-Z0-9\-_.]+$/, { error: 'expected the iterator or prevIterator of an earlier page' })
    .optional(),
  order: ordering.default('ascending'),
  include_archived: queryFlag(false),
  with_content: queryFlag(false),
});
export type EventTypeListQuery = z.infer<typeof eventTypeListQuery>;

export const eventTypeDeleteQuery = z.object({ expunge: queryFlag(false) });

const duration = z.object({
  secs: z.int().min(0).max(86_400, { error: 'expected at most 86400 seconds' }),
  nanos: z.int().min(0).max(999_999_999).default(0),
});

/** Waits after the first, second, ... failed try; null = the schedule of the environment. */
export const retryScheduleInOut = z.object({
  retrySchedule: z
    .array(duration)
    .min(1, { error: 'expected 1 to 20 waits, or null for the default' })
    .max(20, { error: 'expected 1 to 20 waits' })
    .nullish(),
});
export type RetryScheduleInOut = z.infer<typeof retryScheduleInOut>;

/** One of `spec` (parsed) and `specRaw` (JSON or YAML). */
export const openApiImportIn = z
  .object({
    spec: z.record(z.string(), z.unknown()).nullish(),
    specRaw: z.string().nullish(),
    /** Only tells what would be changed. */
    dryRun: z.boolean().default(false),
    /** Archives the event types that the document does not have. */
    replaceAll: z.boolean().default(false),
  })
  .refine((body) => (body.spec == null) !== (body.specRaw == null), {
    error: 'expected one of spec and specRaw',
    path: ['spec'],
  });
export type OpenApiImportIn = z.infer<typeof openApiImportIn>;

export const openApiImportOut = z.object({
  data: z.object({
    modified: z.array(z.string()),
    to_modify: z.array(eventTypeOut.omit({ archived: true, createdAt: true, updatedAt: true })).optional(),
  }),
});
export type OpenApiImportOut = z.infer<typeof openApiImportOut>;
