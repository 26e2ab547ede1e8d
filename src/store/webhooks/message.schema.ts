import { Schema } from 'mongoose';
import type { mongo } from 'mongoose';
import type { SkippedTarget } from '../../contracts/webhooks/delivery.js';
import type { PackedTargets } from './packed-targets.js';

/** One decision of the accept: delivery id, endpoint id, lane, order. */
export interface MessageTarget {
  d: string;
  e: string;
  l: string;
  /** By what it keeps its order among the deliveries of its endpoint; absent when it keeps none. */
  f?: string;
}

/** An accepted event. The row alone decides what must be delivered; everything else is derived from it. */
export interface MessageRow {
  _id: string;
  app: string;
  type: string;
  eventId: string | null;
  /** The payload exactly as received, byte for byte; null after it was expunged. */
  body: mongo.Binary | null;
  bodySha256: string;
  channels: string[] | null;
  tags: string[] | null;
  /** What it can be listed by (`messageFacets`). */
  k: string[];
  /** W3C trace id that the caller named; absent = made from the id (`traceIdOf`). */
  trace?: string;
  /** `<app>:<eventId>`, unique. */
  ek?: string;
  /** `<app>:<sha256 of the idempotency key>`, unique. */
  ik?: string;
  /** Hash of the request, to tell a repeated call from a reused key. */
  rh: string;
  targets: MessageTarget[];
  skipped: SkippedTarget[];
  /** Present when there were many endpoints; `unpacked` writes them out. */
  packed?: PackedTargets;
  /** Where the payload does not fit the schema of its type and why; absent when it fits or was not checked. */
  misfits?: string[];
  deliverAt: Date | null;
  at: Date;
  /** When its payload is removed; null when that was done. */
  expiresAt: Date | null;
}

const targetSchema = new Schema<MessageTarget>(
  { d: String, e: String, l: String, f: String },
  { _id: false },
);
const skippedSchema = new Schema<SkippedTarget>({ e: String, why: String }, { _id: false });

export const messageSchema = new Schema<MessageRow>(
  {
    _id: { type: String, required: true },
    app: { type: String, required: true },
    type: { type: String, required: true },
    eventId: { type: String, default: null },
    body: { type: Schema.Types.Mixed, default: null },
    bodySha256: { type: String, required: true },
    channels: { type: [String], default: null },
    tags: { type: [String], default: null },
    k: { type: [String], required: true },
    trace: { type: String },
    ek: { type: String },
    ik: { type: String },
    rh: { type: String, required: true },
    targets: { type: [targetSchema], required: true },
    skipped: { type: [skippedSchema], required: true },
    misfits: { type: [String], default: undefined },
    packed: { type: Schema.Types.Mixed },
    deliverAt: { type: Date, default: null },
    at: { type: Date, required: true },
    expiresAt: { type: Date, default: null },
  },
  { collection: 'wh_messages', versionKey: false },
);
// Sparse: most messages have neither key, and an index entry is a tenth of what storing a message costs.
messageSchema.index({ ek: 1 }, { unique: true, sparse: true });
messageSchema.index({ ik: 1 }, { unique: true, sparse: true });
messageSchema.index({ app: 1, _id: 1 });
messageSchema.index({ app: 1, k: 1, _id: 1 });
messageSchema.index({ expiresAt: 1 });
