import { Schema } from 'mongoose';
import type { DeliveryState } from '../../contracts/webhooks/delivery.js';
import { OUTBOX_INDEX, outboxField } from './operational/outbox.js';
import type { WithOutbox } from './operational/outbox.js';

/** Message x endpoint: one row from accept to its end. */
export interface DeliveryRow extends WithOutbox {
  /** Derived from message and endpoint (`deliveryId`), so inserting it twice is harmless. */
  _id: string;
  msg: string;
  app: string;
  ep: string;
  type: string;
  channels: string[] | null;
  tags: string[] | null;
  /** What it can be listed by (`messageFacets`). */
  k: string[];
  /** W3C trace id that the caller named; absent = made from the message (`traceIdOf`). */
  trace?: string;
  state: DeliveryState;
  /** Why it ended or waits, in an error code's words. */
  reason: string | null;
  /** Attempts made. */
  n: number;
  /** Attempts made before it was last started again by hand; the schedule counts from here. Absent = 0. */
  base?: number;
  /** Every write compares and bumps it, so a late owner cannot overwrite a newer result. */
  rev: number;
  firstAt: Date | null;
  lastAt: Date | null;
  lastCode: number | null;
  /** Lane and due time: present exactly while the delivery is not finished. */
  q?: { l: string; at: Date };
  /** The task (recover, replay) that last had it sent again. */
  task?: string;
  /** Deliveries of an endpoint that share it are made one by one in order of their messages; absent = any order. */
  fk?: string;
  /** Set when its owner was told that it fails, so that he is told when it is taken after all. */
  told?: boolean;
  /** When the message was accepted. */
  at: Date;
}

export const deliverySchema = new Schema<DeliveryRow>(
  {
    _id: { type: String, required: true },
    msg: { type: String, required: true },
    app: { type: String, required: true },
    ep: { type: String, required: true },
    type: { type: String, required: true },
    channels: { type: [String], default: null },
    tags: { type: [String], default: null },
    k: { type: [String], required: true },
    trace: { type: String },
    state: { type: String, required: true },
    reason: { type: String, default: null },
    n: { type: Number, required: true },
    base: { type: Number },
    rev: { type: Number, required: true },
    firstAt: { type: Date, default: null },
    lastAt: { type: Date, default: null },
    lastCode: { type: Number, default: null },
    q: { type: Schema.Types.Mixed },
    task: { type: String },
    fk: { type: String },
    told: { type: Boolean },
    outbox: outboxField,
    at: { type: Date, required: true },
  },
  { collection: 'wh_deliveries', versionKey: false },
);
// Partial: finished rows leave the index, so a claim reads the same few pages however many rows are stored.
deliverySchema.index({ 'q.l': 1, 'q.at': 1 }, { partialFilterExpression: { 'q.at': { $exists: true } } });
deliverySchema.index({ ep: 1, state: 1, _id: 1 });
deliverySchema.index({ app: 1, _id: 1 });
deliverySchema.index({ ep: 1, k: 1, _id: 1 });
deliverySchema.index({ msg: 1, ep: 1 });
// Only what waits for its turn is in it.
deliverySchema.index(
  { ep: 1, msg: 1 },
  { partialFilterExpression: { fk: { $exists: true }, 'q.at': { $exists: true } } },
);
// Partial: a delivery that is taken at its first try never enters these.
const troubled = { partialFilterExpression: { reason: { $gt: '' } } };
deliverySchema.index({ state: 1, _id: 1 }, troubled);
deliverySchema.index({ app: 1, state: 1, _id: 1 }, troubled);
deliverySchema.index({ app: 1, reason: 1, _id: 1 }, troubled);
deliverySchema.index(...OUTBOX_INDEX);
