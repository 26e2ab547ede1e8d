import mongoose from 'mongoose';
import type { TaskState } from '../../../contracts/webhooks/replay.js';
import type { WalkKind } from '../../../contracts/webhooks/task.js';
import { newId } from '../../../platform/ids.js';
import { DURABLE } from '../../connection.js';
import type { WebhookModels } from '../webhook-models.js';
import type { BroadcastMessage, WalkRequest, WalkTaskRow } from './task.schema.js';

/** What a page brought. */
export interface WalkedPage {
  seen: number;
  counted: number;
  /** Up to where it looked; null when nothing is left. */
  next: string | null;
  /** Bytes of its part of the result. */
  bytes: number;
}

/** The pages of tasks that walk. A page is closed once, from where it was begun. */
export class WalkTaskRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Keeps what a page is about to do. Null when the task is no longer as it was read. */
  plan({ _id, page }: WalkTaskRow, planned: WalkTaskRow['planned']): Promise<WalkTaskRow | null> {
    return this.#update({ _id, page, planned: null, endedAt: null }, { $set: { planned } });
  }

  /** Null when somebody else closed the page, or ended the task. */
  finishPage(
    { _id, page }: WalkTaskRow,
    { seen, counted, bytes, next }: WalkedPage,
    now = new Date(),
  ): Promise<WalkTaskRow | null> {
    const moved = next === null ? {} : { after: next };
    return this.#update(
      { _id, page, endedAt: null },
      { $set: { ...moved, planned: null, updatedAt: now }, $inc: { page: 1, seen, counted, bytes } },
    );
  }

  async #update(filter: object, update: object): Promise<WalkTaskRow | null> {
    return (await this.models.tasks.collection.findOneAndUpdate(filter, update, {
      returnDocument: 'after',
      writeConcern: DURABLE,
    })) as unknown as WalkTaskRow | null;
  }
}

interface NewWalkTask {
  kind: WalkKind;
  /** The only application it is about. */
  app?: string;
  asked?: WalkRequest;
  message?: Omit<BroadcastMessage, 'body'> & { body: Buffer };
}

/** A task that has not begun. */
export function newWalkTask(
  { kind, app, asked = {}, message }: NewWalkTask,
  id = newId('qtask'),
  now = new Date(),
): WalkTaskRow {
  return {
    ...{ _id: id, kind, app: app ?? null, ep: null, lk: lockOf(kind, app, id), asked },
    ...(message === undefined
      ? {}
      : { message: { ...message, body: new mongoose.mongo.Binary(message.body) } }),
    ...{ state: 'running' satisfies TaskState, reason: null, total: null },
    ...{ page: 0, after: '', seen: 0, counted: 0, bytes: 0, planned: null },
    ...{ createdAt: now, updatedAt: now, endedAt: null },
  };
}

/** One of a kind at a time, for each application where it is about one. Messages do not wait for each other. */
function lockOf(kind: WalkKind, app: string | undefined, id: string): string {
  if (kind === 'message.broadcast') return id;
  return app === undefined ? kind : `${kind}:${app}`;
}
