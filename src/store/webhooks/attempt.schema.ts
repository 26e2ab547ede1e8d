import { Schema } from 'mongoose';
import type { AttemptErrorCode, AttemptTrigger, TriedState } from '../../contracts/webhooks/delivery.js';

/** One HTTP try of a delivery. */
export interface AttemptRow {
  _id: string;
  dlv: string;
  /** 1 for the first try of the delivery. */
  n: number;
  msg: string;
  app: string;
  ep: string;
  type: string;
  /** What it can be listed by (`attemptFacets`). */
  k: string[];
  url: string;
  ok: boolean;
  /** HTTP status, 0 when there was no answer. */
  code: number;
  errorCode: AttemptErrorCode | null;
  /** What happened in words, without secrets. */
  error: string | null;
  at: Date;
  durationMs: number;
  /** From the accept of the message to the end of this try. */
  sinceAcceptMs: number;
  /** Length of what was sent for this delivery: the request's body, or its item in a batch. */
  bytes: number;
  /** The request that it went in together with others. */
  batch?: { id: string; items: number };
  /** Address that was connected to. */
  ip: string | null;
  /** First 16 KiB of the answer's body; null after it was expunged. */
  response: string | null;
  /** The endpoint's own headers that were sent, without those whose values are kept secret. */
  headers?: Record<string, string>;
  /** Names of headers that were sent and whose values are kept secret. */
  sensitive?: string[];
  /** The `webhook-signature` that was sent. */
  sig: string;
  /** Version of Holdfast that sent it. */
  by: string;
  /** Headers of the answer. */
  answerHeaders?: [string, string][];
  /** W3C trace id that the caller named; absent = made from the message (`traceIdOf`). */
  trace?: string;
  trigger: AttemptTrigger;
  /** What it meant for the delivery, and why. */
  outcome: TriedState;
  why: string | null;
  /** The next try, when there is one. */
  nextAt: Date | null;
  worker: string;
  /** Set when the owner had lost its lane before the result was written. */
  late?: true;
}

export const attemptSchema = new Schema<AttemptRow>(
  {
    _id: { type: String, required: true },
    dlv: { type: String, required: true },
    n: { type: Number, required: true },
    msg: { type: String, required: true },
    app: { type: String, required: true },
    ep: { type: String, required: true },
    type: { type: String, required: true },
    k: { type: [String], required: true },
    url: { type: String, required: true },
    ok: { type: Boolean, required: true },
    code: { type: Number, required: true },
    errorCode: { type: String, default: null },
    error: { type: String, default: null },
    at: { type: Date, required: true },
    durationMs: { type: Number, required: true },
    sinceAcceptMs: { type: Number, required: true },
    bytes: { type: Number, required: true },
    batch: { type: Schema.Types.Mixed },
    ip: { type: String, default: null },
    response: { type: String, default: '' },
    headers: { type: Schema.Types.Mixed },
    sensitive: { type: [String], default: undefined },
    sig: { type: String, required: true },
    by: { type: String, required: true },
    answerHeaders: { type: Schema.Types.Mixed },
    trace: { type: String },
    trigger: { type: String, required: true },
    outcome: { type: String, required: true },
    why: { type: String, default: null },
    nextAt: { type: Date, default: null },
    worker: { type: String, required: true },
    late: { type: Boolean },
  },
  { collection: 'wh_attempts', versionKey: false },
);
attemptSchema.index({ dlv: 1, n: 1 }, { unique: true });
attemptSchema.index({ ep: 1, _id: 1 });
attemptSchema.index({ ep: 1, k: 1, _id: 1 });
attemptSchema.index({ msg: 1, _id: 1 });
