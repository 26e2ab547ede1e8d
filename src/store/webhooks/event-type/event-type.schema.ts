import { Schema } from 'mongoose';

/** A kind of event, with the schemas its payloads are checked against. */
export interface EventTypeRow {
  /** The name. */
  _id: string;
  description: string;
  archived: boolean;
  deprecated: boolean;
  /** JSON Schemas by version as one JSON text, because keywords begin with `$`; null when there are none. */
  schemas: string | null;
  groupName: string | null;
  featureFlags: string[] | null;
  /** Waits in seconds after the first, second, ... failed try; null = the schedule of the environment. */
  retrySchedule: number[] | null;
  /** The request that created or revived it: repeated with its idempotency key, it gets this row. */
  by?: string;
  rev: number;
  createdAt: Date;
  updatedAt: Date;
}

export const eventTypeSchema = new Schema<EventTypeRow>(
  {
    _id: { type: String, required: true },
    description: { type: String, default: '' },
    archived: { type: Boolean, default: false },
    deprecated: { type: Boolean, default: false },
    schemas: { type: String, default: null },
    groupName: { type: String, default: null },
    featureFlags: { type: [String], default: null },
    retrySchedule: { type: [Number], default: null },
    by: { type: String },
    rev: { type: Number, required: true },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
  },
  { collection: 'wh_event_types', versionKey: false },
);
eventTypeSchema.index({ archived: 1, _id: 1 });
