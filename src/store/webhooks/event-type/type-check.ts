import type { SchemaFault } from '../../../domain/webhooks/event-schema/schema-bounds.js';
import { webhookMetrics } from '../../../platform/metrics.js';
import type { CurrentEventTypes } from './event-type-cache.js';

export interface TypeCheckOptions {
  /** Refuse types that are not registered. */
  strictTypes: boolean;
  /** What becomes of a payload that does not fit: refused, or accepted with a mark. */
  schemaMode: 'reject' | 'warn' | 'off';
}

export type TypeFault = { kind: 'unknown_type' } | { kind: 'schema_mismatch'; faults: SchemaFault[] };

interface TypedMessage {
  type: string;
  body: Buffer;
  payload: Record<string, unknown>;
}

/** What the check says: why a message may not be accepted, or what does not fit though it may. */
export interface TypeVerdict {
  fault: TypeFault | null;
  warnings: SchemaFault[];
}

/** Judges a message as of the event types. */
export function typeVerdict(
  { type, body, payload }: TypedMessage,
  types: CurrentEventTypes,
  { strictTypes, schemaMode }: TypeCheckOptions,
): TypeVerdict {
  if (strictTypes && !types.has(type)) return { fault: { kind: 'unknown_type' }, warnings: [] };
  const check = schemaMode === 'off' ? null : types.check(type);
  const faults = check === null ? [] : check.faults(payload, body.length);
  if (faults.length === 0) return { fault: null, warnings: [] };
  webhookMetrics.schemaMismatches.inc({ mode: schemaMode });
  return schemaMode === 'reject'
    ? { fault: { kind: 'schema_mismatch', faults }, warnings: [] }
    : { fault: null, warnings: faults };
}
