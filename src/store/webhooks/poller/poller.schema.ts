import { Schema } from 'mongoose';

/** An endpoint without a URL: its messages are fetched, so it has no deliveries. */
export interface PollerRow {
  _id: string;
  app: string;
  /** `<app>:<uid or id>`, unique. */
  uk: string;
  uid: string | null;
  description: string;
  /** As for an endpoint: names, or `prefix.*`; null = every event type. */
  eventTypes: string[] | null;
  channels: string[] | null;
  /** As JSON; null = every payload. */
  filter: string | null;
  metadata: Record<string, string>;
  disabled: boolean;
  /** The token in use, which may do nothing but poll here; null = none was made. */
  token: PollerToken | null;
  rev: number;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

export interface PollerToken {
  /** Id of its API key. */
  key: string;
  /** Sealed with the master key, because it may be read again. */
  enc: string;
  createdAt: Date;
  expiresAt: Date | null;
}

export const pollerSchema = new Schema<PollerRow>(
  {
    _id: { type: String, required: true },
    app: { type: String, required: true },
    uk: { type: String, required: true },
    uid: { type: String, default: null },
    description: { type: String, default: '' },
    eventTypes: { type: [String], default: null },
    channels: { type: [String], default: null },
    filter: { type: String, default: null },
    metadata: { type: Schema.Types.Mixed, default: {} },
    disabled: { type: Boolean, default: false },
    token: { type: Schema.Types.Mixed, default: null },
    rev: { type: Number, required: true },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    deletedAt: { type: Date, default: null },
  },
  { collection: 'wh_pollers', versionKey: false, minimize: false },
);
pollerSchema.index({ uk: 1 }, { unique: true });
pollerSchema.index({ app: 1, _id: 1 });

/** How far one consumer of a polling endpoint has come. */
export interface PollerConsumerRow {
  /** `<poller>:<consumer>`. */
  _id: string;
  /** Id of the last message it was given, or looked past. */
  after: string;
  /** Every move compares and bumps it, so of two calls at once each gets messages of its own. */
  rev: number;
  at: Date;
}

export const pollerConsumerSchema = new Schema<PollerConsumerRow>(
  {
    _id: { type: String, required: true },
    after: { type: String, required: true },
    rev: { type: Number, required: true },
    at: { type: Date, required: true },
  },
  { collection: 'wh_poller_consumers', versionKey: false },
);
