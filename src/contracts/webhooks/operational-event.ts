import { z } from 'zod';
import { endpointIn, endpointPatch } from './endpoint.js';
import { distinct } from './names.js';

/** The application that owns operational endpoints. Nobody can make one with this id, and no list shows it. */
export const OPERATIONAL_APP = `app_${'0'.repeat(27)}`;

/** What Holdfast tells about endpoints and deliveries. Names are those of the compatible API; `endpoint.failing` is ours. */
const OPERATIONAL_EVENT_TYPES = [
  'endpoint.created',
  'endpoint.updated',
  'endpoint.deleted',
  'endpoint.enabled',
  'endpoint.disabled',
  'endpoint.failing',
  'message.attempt.failing',
  'message.attempt.exhausted',
  'message.attempt.recovered',
  'background_task.finished',
] as const;
export type OperationalEventType = (typeof OPERATIONAL_EVENT_TYPES)[number];

/** How many tries of a message to an endpoint fail before its owner is told. */
export const FAILING_TRIES = 4;

const eventTypes = z
  .array(z.enum(OPERATIONAL_EVENT_TYPES))
  .min(1, { error: 'expected at least one event type, or null for all' })
  .refine(distinct, { error: 'expected each event type once' });

export const operationalEndpointIn = endpointIn
  .omit({ channels: true })
  .extend({ eventTypes: eventTypes.nullish() });
export type OperationalEndpointIn = z.infer<typeof operationalEndpointIn>;

export const operationalEndpointUpdate = operationalEndpointIn.omit({ secret: true, headers: true });
export type OperationalEndpointUpdate = z.infer<typeof operationalEndpointUpdate>;

export const operationalEndpointPatch = endpointPatch
  .omit({ channels: true })
  .extend({ eventTypes: eventTypes.nullish() });
export type OperationalEndpointPatch = z.infer<typeof operationalEndpointPatch>;
