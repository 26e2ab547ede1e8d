import { Schema } from 'mongoose';
import type { mongo } from 'mongoose';
import type { SigningKeyRow } from '../endpoint.schema.js';

/** Somebody who sends us webhooks. */
export interface InboundSourceRow {
  /** The name in its URL. */
  _id: string;
  description: string;
  /** Sealed; newest first. */
  keys: SigningKeyRow[];
  /** The application whose messages its events become; null = they are only kept. */
  app: string | null;
  /** Event type of those messages; null = the `type` of the event. */
  eventType: string | null;
  accepted: number;
  repeated: number;
  refused: number;
  lastRefusal: { at: Date; code: string } | null;
  createdAt: Date;
  updatedAt: Date;
}

/** One event that was taken from a source. */
export interface InboundEventRow {
  _id: string;
  source: string;
  /** `<source>:<webhook-id>`, unique: what is sent twice is taken once. */
  key: string;
  webhookId: string;
  /** Exactly as received. */
  body: mongo.Binary;
  /** The application it is for, so that its legal hold counts. */
  app: string | null;
  /** The message it became. */
  msg: string | null;
  at: Date;
}

const keySchema = new Schema<SigningKeyRow>(
  {
    enc: { type: String, required: true },
    type: { type: String, required: true },
    from: { type: Date, required: true },
    until: { type: Date, default: null },
  },
  { _id: false },
);

export const inboundSourceSchema = new Schema<InboundSourceRow>(
  {
    _id: { type: String, required: true },
    description: { type: String, default: '' },
    keys: { type: [keySchema], required: true },
    app: { type: String, default: null },
    eventType: { type: String, default: null },
    accepted: { type: Number, required: true },
    repeated: { type: Number, required: true },
    refused: { type: Number, required: true },
    lastRefusal: { type: Schema.Types.Mixed, default: null },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
  },
  { collection: 'wh_inbound_sources', versionKey: false },
);

export const inboundEventSchema = new Schema<InboundEventRow>(
  {
    _id: { type: String, required: true },
    source: { type: String, required: true },
    key: { type: String, required: true },
    webhookId: { type: String, required: true },
    body: { type: Schema.Types.Mixed, required: true },
    app: { type: String, default: null },
    msg: { type: String, default: null },
    at: { type: Date, required: true },
  },
  { collection: 'wh_inbound', versionKey: false },
);
inboundEventSchema.index({ key: 1 }, { unique: true });
inboundEventSchema.index({ source: 1, _id: 1 });
inboundEventSchema.index({ app: 1, _id: 1 });
