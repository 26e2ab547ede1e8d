import type { SchemaFault } from '../../../domain/webhooks/event-schema/schema-bounds.js';
import { webhookMetrics } from '../../../platform/metrics.js';
import type { CurrentEventTypes } from './event-type-cache.js';

export interface TypeCheckOptions {
  /** Refuse types that are not registered. */
  strictTypes: boolean;
  /** What becomes of a payload that does not fit: refused, or only counted. */
  schemaMode: 'reject' | 'warn' | 'off';
}

export type TypeFault = { kind: 'unknown_type' } | { kind: 'schema_mismatch'; faults: SchemaFault[] };

interface TypedMessage {
  type: string;
  body: Buffer;
  payload: Record<string, unknown>;
}

/** Why a message may not be accepted as of the event types; null when it may. */
export function typeFault(
  { type, body, payload }: TypedMessage,
  types: CurrentEventTypes,
  { strictTypes, schemaMode }: TypeCheckOptions,
): TypeFault | null {
  if (strictTypes && !types.has(type)) return { kind: 'unknown_type' };
  const check = schemaMode === 'off' ? null : types.check(type);
  const faults = check === null ? [] : check.faults(payload, body.length);
  if (faults.length === 0) return null;
  webhookMetrics.schemaMismatches.inc({ mode: schemaMode });
  return schemaMode === 'reject' ? { kind: 'schema_mismatch', faults } : null;
}
