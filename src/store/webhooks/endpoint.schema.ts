import { Schema } from 'mongoose';
import type { EndpointPolicy } from '../../contracts/webhooks/endpoint-policy.js';
import { OUTBOX_INDEX, outboxField } from './operational/outbox.js';
import type { WithOutbox } from './operational/outbox.js';
import type { Transformation } from '../../contracts/webhooks/transformation.js';

/** A signing key. `enc` is the key text (`whsec_…`) sealed with the master key. */
export interface SigningKeyRow {
  enc: string;
  type: 'hmac' | 'ed25519';
  from: Date;
  /** End of the overlap after a rotation; null for the key in use. */
  until: Date | null;
}

/** A breaker that is not closed. */
export interface Circuit {
  state: 'open' | 'half_open';
  since: Date;
  /** How often it opened without closing in between. */
  trips: number;
  nextProbeAt: Date | null;
  /** The latest failure, in an error code's words. */
  why: string;
}

/** One URL of an application, with what it wants to receive and how it is signed. */
export interface EndpointRow extends WithOutbox {
  _id: string;
  app: string;
  /** `<app>:<uid or id>`, unique. */
  uk: string;
  uid: string | null;
  url: string;
  description: string;
  /** Names, or `prefix.*`; null = every event type. */
  eventTypes: string[] | null;
  /** null = every message; else only messages that share a channel. */
  channels: string[] | null;
  /** As JSON: member paths hold dots and dollars. null = every payload. */
  filter: string | null;
  disabled: boolean;
  disabledReason: string | null;
  throttleRate: number | null;
  metadata: Record<string, string>;
  /** Custom request headers as JSON, sealed with the master key; null when there are none. */
  headersEnc: string | null;
  /** Authorities and client certificate as JSON, sealed likewise; absent or null when there are none. */
  tlsEnc?: string | null;
  /** How it gets access tokens as JSON, sealed likewise; absent or null when it wants none. */
  oauthEnc?: string | null;
  /** Newest first. */
  keys: SigningKeyRow[];
  /** First failure since the last success; null while healthy. */
  failingSince: Date | null;
  /** Percent of the time until it is disabled of which a warning was given since it fails. Absent = none. */
  warned?: number;
  /** Absent or null = all defaults. */
  policy?: EndpointPolicy | null;
  /** Absent = payloads are sent as they were accepted. */
  transformation?: Transformation;
  /** Its own lane while it has one; absent or null = the shared lane of its id. */
  lane?: string | null;
  /** Absent while the breaker is closed. */
  circuit?: Circuit;
  rev: number;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

const signingKeySchema = new Schema<SigningKeyRow>(
  {
    enc: { type: String, required: true },
    type: { type: String, required: true },
    from: { type: Date, required: true },
    until: { type: Date, default: null },
  },
  { _id: false },
);

export const endpointSchema = new Schema<EndpointRow>(
  {
    _id: { type: String, required: true },
    app: { type: String, required: true },
    uk: { type: String, required: true },
    uid: { type: String, default: null },
    url: { type: String, required: true },
    description: { type: String, default: '' },
    eventTypes: { type: [String], default: null },
    channels: { type: [String], default: null },
    filter: { type: String, default: null },
    disabled: { type: Boolean, default: false },
    disabledReason: { type: String, default: null },
    throttleRate: { type: Number, default: null },
    metadata: { type: Schema.Types.Mixed, default: {} },
    headersEnc: { type: String, default: null },
    tlsEnc: { type: String, default: null },
    oauthEnc: { type: String },
    keys: { type: [signingKeySchema], required: true },
    failingSince: { type: Date, default: null },
    warned: { type: Number },
    policy: { type: Schema.Types.Mixed, default: null },
    transformation: { type: Schema.Types.Mixed },
    lane: { type: String, default: null },
    circuit: { type: Schema.Types.Mixed },
    rev: { type: Number, required: true },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    deletedAt: { type: Date, default: null },
    outbox: outboxField,
  },
  { collection: 'wh_endpoints', versionKey: false, minimize: false },
);
endpointSchema.index({ uk: 1 }, { unique: true });
endpointSchema.index({ app: 1, _id: 1 });
endpointSchema.index({ deletedAt: 1, disabled: 1, app: 1 });
// Only endpoints that are down are in it: the sweeper looks for them every 30 s.
endpointSchema.index(
  { 'circuit.state': 1 },
  { partialFilterExpression: { 'circuit.state': { $exists: true } } },
);
endpointSchema.index({ eventTypes: 1 });
endpointSchema.index(...OUTBOX_INDEX);
endpointSchema.index({ deletedAt: 1 }, { partialFilterExpression: { deletedAt: { $gt: new Date(0) } } });
endpointSchema.index(
  { 'keys.until': 1 },
  { partialFilterExpression: { 'keys.until': { $gt: new Date(0) } } },
);
