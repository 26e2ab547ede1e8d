import { randomUUID } from 'node:crypto';
import { Schema } from 'mongoose';
import type { OperationalEventType } from '../../../contracts/webhooks/operational-event.js';

/**
 * An operational event in the row that it is about, written together with what happened: where the process dies
 * before the event is a message, the sweeper makes it one. It is taken out when the message is accepted.
 */
export interface OutboxEvent {
  /** The event id of its message, so that it is accepted once however often it is tried. */
  id: string;
  type: OperationalEventType;
  at: Date;
  /** Members of the event's data that the row will not tell later. */
  more: Record<string, unknown>;
}

export interface WithOutbox {
  /** Absent or empty = nothing to tell. */
  outbox?: OutboxEvent[];
}

export const newOutboxEvent = (
  type: OperationalEventType,
  more: Record<string, unknown> = {},
  at = new Date(),
): OutboxEvent => ({ id: randomUUID(), type, at, more });

export const outboxField = { type: [Schema.Types.Mixed], default: undefined };

/** Rows with something to tell, and no others, are in this index. */
export const OUTBOX_INDEX = [
  { 'outbox.at': 1 },
  { partialFilterExpression: { 'outbox.at': { $exists: true } } },
] as const;
