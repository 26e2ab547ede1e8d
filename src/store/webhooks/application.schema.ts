import { Schema } from 'mongoose';
import type { ApplicationRetention } from '../../contracts/webhooks/retention.js';
import type { RetrySchedule } from '../../contracts/webhooks/endpoint-policy.js';
import type { ToldChanges } from '../../domain/webhooks/told-changes.js';

/** One tenant: owns endpoints and messages. */
export interface ApplicationRow {
  _id: string;
  /** uid, or the id where the caller gave none: unique, so a uid is taken by one application. */
  uk: string;
  uid: string | null;
  name: string;
  /** Configuration revision: every change to the application or its endpoints bumps it, before and after. */
  rev: number;
  /** Which endpoints the latest of those changes are about. Absent before the first. */
  changes?: ToldChanges;
  throttleRate: number | null;
  /** For endpoints and event types that have none of their own. Absent or null = the environment's. */
  retrySchedule?: RetrySchedule | null;
  /** Absent or null = as the environment says. */
  retention?: ApplicationRetention | null;
  metadata: Record<string, string>;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

export const applicationSchema = new Schema<ApplicationRow>(
  {
    _id: { type: String, required: true },
    uk: { type: String, required: true },
    uid: { type: String, default: null },
    name: { type: String, required: true },
    rev: { type: Number, required: true },
    changes: { type: Schema.Types.Mixed, select: false },
    throttleRate: { type: Number, default: null },
    retrySchedule: { type: Schema.Types.Mixed, default: null },
    retention: { type: Schema.Types.Mixed },
    metadata: { type: Schema.Types.Mixed, default: {} },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    deletedAt: { type: Date, default: null },
  },
  { collection: 'wh_apps', versionKey: false, minimize: false },
);
applicationSchema.index({ uk: 1 }, { unique: true });
// Only applications with times of their own, or deleted, are in these.
applicationSchema.index(
  { 'retention.legalHold': 1 },
  { partialFilterExpression: { 'retention.legalHold': { $exists: true } } },
);
applicationSchema.index({ deletedAt: 1 }, { partialFilterExpression: { deletedAt: { $gt: new Date(0) } } });
