import { Schema } from 'mongoose';
import type { ReplayFilter, ReplayKind, TaskState } from '../../../contracts/webhooks/replay.js';
import { OUTBOX_INDEX, outboxField } from '../operational/outbox.js';
import type { WithOutbox } from '../operational/outbox.js';

/** Where a task goes on: which of its selections, and after which id. */
export interface ReplayCursor {
  stream: number;
  after: string;
}

/**
 * A page before it is carried out. It is stored first, so that a page that a crash cut short is finished as it was
 * begun: nothing is taken twice, nothing is passed over, and the counts are right.
 */
export interface ReplayPlan {
  /** Deliveries as they were when they were chosen; for replay-missing, messages to be given one. */
  rows: { id: string; rev: number; n: number }[];
  /** Seen and left out, because their payload is gone. */
  skipped: number;
  /** Where the next page starts; null when this is the last one. */
  next: ReplayCursor | null;
}

/** A long job over the messages of one endpoint. The row decides, the workflow follows it. */
export interface TaskRow extends WithOutbox {
  _id: string;
  app: string;
  ep: string;
  kind: ReplayKind;
  /**
   * The endpoint until it has ended, then its id; unique. So an endpoint has one open task: two would take the same
   * deliveries from each other, and what each has sent could no longer be counted.
   */
  lk: string;
  state: TaskState;
  reason: string | null;
  filter: ReplayFilter;
  ratePerSec: number;
  /** What the preview counted; null before it. */
  total: number | null;
  sent: number;
  skipped: number;
  /** Pages carried out. */
  page: number;
  cursor: ReplayCursor;
  plan: ReplayPlan | null;
  /** When the last message of the latest page is due. */
  nextAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  endedAt: Date | null;
}

export const taskSchema = new Schema<TaskRow>(
  {
    _id: { type: String, required: true },
    app: { type: String, required: true },
    ep: { type: String, required: true },
    kind: { type: String, required: true },
    lk: { type: String, required: true },
    state: { type: String, required: true },
    reason: { type: String, default: null },
    filter: { type: Schema.Types.Mixed, required: true },
    ratePerSec: { type: Number, required: true },
    total: { type: Number, default: null },
    sent: { type: Number, required: true },
    skipped: { type: Number, required: true },
    page: { type: Number, required: true },
    cursor: { type: Schema.Types.Mixed, required: true },
    plan: { type: Schema.Types.Mixed, default: null },
    nextAt: { type: Date, default: null },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    endedAt: { type: Date, default: null },
    outbox: outboxField,
  },
  { collection: 'wh_tasks', versionKey: false },
);
taskSchema.index({ lk: 1 }, { unique: true });
taskSchema.index({ app: 1, _id: 1 });
taskSchema.index({ state: 1, _id: 1 });
taskSchema.index(...OUTBOX_INDEX);
