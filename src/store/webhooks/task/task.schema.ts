import { Schema } from 'mongoose';
import type { mongo } from 'mongoose';
import type { ReplayFilter, ReplayKind, TaskState } from '../../../contracts/webhooks/replay.js';
import type { TaskKind, WalkKind } from '../../../contracts/webhooks/task.js';
import { OUTBOX_INDEX, outboxField } from '../operational/outbox.js';
import type { WithOutbox } from '../operational/outbox.js';

/** A long job. The row decides, the workflow follows it. */
interface Task extends WithOutbox {
  _id: string;
  kind: TaskKind;
  /** The only application it is about; null = all of them. */
  app: string | null;
  /** What no other open task may have (an endpoint, a kind), then its own id; unique. */
  lk: string;
  state: TaskState;
  reason: string | null;
  /** What there was when it began; null until it is counted. */
  total: number | null;
  /** Pages carried out. */
  page: number;
  createdAt: Date;
  updatedAt: Date;
  endedAt: Date | null;
}

/** Where a replay goes on: which of its selections, and after which id. */
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

/**
 * Sends messages of one endpoint again. `lk` is the endpoint: two open tasks would take the same deliveries from each
 * other, and what each has sent could no longer be counted.
 */
export interface ReplayTaskRow extends Task {
  app: string;
  ep: string;
  kind: ReplayKind;
  filter: ReplayFilter;
  ratePerSec: number;
  sent: number;
  skipped: number;
  cursor: ReplayCursor;
  plan: ReplayPlan | null;
  /** When the last message of the latest page is due. */
  nextAt: Date | null;
}

/** Walks through rows in the order of their ids: those of messages, applications or event types. */
export interface WalkTaskRow extends Task {
  ep: null;
  kind: WalkKind;
  asked: WalkRequest;
  /** Everything up to this id was looked at. */
  after: string;
  seen: number;
  /** Rows it did something with, or that are in its result. */
  counted: number;
  /** Bytes of its result. */
  bytes: number;
  /** The page that is on its way, where what it did could not be counted again after a crash. */
  planned: { to: string; seen: number; counted: number } | null;
  /** What is sent to every application; gone when the task has ended. */
  message?: BroadcastMessage;
}

/** What a task was asked for; each kind uses some of it. */
export interface WalkRequest {
  /** Rows from this id on are not looked at. */
  before?: string;
  since?: Date;
  until?: Date;
  /** Only these applications, in order of their ids. */
  apps?: string[];
}

export interface BroadcastMessage {
  type: string;
  /** The payload exactly as received. */
  body: mongo.Binary;
  eventId: string | null;
  channels: string[] | null;
  /** Days. */
  retentionDays: number;
}

export type TaskRow = ReplayTaskRow | WalkTaskRow;
export const isReplay = (row: TaskRow): row is ReplayTaskRow => row.ep !== null;

export const taskSchema = new Schema<Task>(
  {
    _id: { type: String, required: true },
    kind: { type: String, required: true },
    app: { type: String, default: null },
    lk: { type: String, required: true },
    state: { type: String, required: true },
    reason: { type: String, default: null },
    total: { type: Number, default: null },
    page: { type: Number, required: true },
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
