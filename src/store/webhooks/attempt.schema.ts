import { Schema } from 'mongoose';
import type { AttemptErrorCode, AttemptTrigger } from '../../contracts/webhooks/delivery.js';

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
  channels: string[] | null;
  tags: string[] | null;
  url: string;
  ok: boolean;
  /** HTTP status, 0 when there was no answer. */
  code: number;
  errorCode: AttemptErrorCode | null;
  /** What happened in words, without secrets. */
  error: string | null;
  at: Date;
  durationMs: number;
  /** Address that was connected to. */
  ip: string | null;
  /** First 16 KiB of the answer's body. */
  response: string;
  trigger: AttemptTrigger;
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
    channels: { type: [String], default: null },
    tags: { type: [String], default: null },
    url: { type: String, required: true },
    ok: { type: Boolean, required: true },
    code: { type: Number, required: true },
    errorCode: { type: String, default: null },
    error: { type: String, default: null },
    at: { type: Date, required: true },
    durationMs: { type: Number, required: true },
    ip: { type: String, default: null },
    response: { type: String, default: '' },
    trigger: { type: String, required: true },
    nextAt: { type: Date, default: null },
    worker: { type: String, required: true },
    late: { type: Boolean },
  },
  { collection: 'wh_attempts', versionKey: false },
);
attemptSchema.index({ dlv: 1, n: 1 }, { unique: true });
attemptSchema.index({ ep: 1, _id: 1 });
attemptSchema.index({ msg: 1, _id: 1 });
attemptSchema.index({ app: 1, _id: 1 });
