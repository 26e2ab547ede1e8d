import type { TaskListQuery, TaskStatus } from '../../../contracts/webhooks/background-task.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import type { ReplayFilter, ReplayKind, Steering, TaskState } from '../../../contracts/webhooks/replay.js';
import { REPLAY_RATE } from '../../../contracts/webhooks/replay.js';
import { newId } from '../../../platform/ids.js';
import { DURABLE } from '../../connection.js';
import { isDuplicateKey } from '../../duplicate-key.js';
import { pageById } from '../../page.js';
import { newOutboxEvent } from '../operational/outbox.js';
import { OutboxBell } from '../operational/outbox-bell.js';
import type { WebhookModels } from '../webhook-models.js';
import type { ReplayPlan, ReplayTaskRow, TaskRow } from './task.schema.js';

export interface NewTask {
  app: string;
  ep: string;
  kind: ReplayKind;
  filter: ReplayFilter;
}

const STATES: Record<TaskStatus, TaskState[]> = {
  running: ['running', 'paused'],
  finished: ['finished'],
  failed: ['failed', 'canceled'],
};
const OPEN: TaskState[] = STATES.running;

/** Long jobs. Every change names the state or the page it was decided from, so of two that act at once one succeeds. */
export class TaskRepository {
  constructor(
    private readonly models: WebhookModels,
    /** Rings when a task has ended. */
    private readonly bell = new OutboxBell(),
  ) {}

  /** Stores a new task. `started` is false when an open one is in its way: then that one is given. */
  async start<Row extends TaskRow>(row: Row): Promise<{ row: Row; started: boolean }> {
    try {
      await this.#rows.insertOne(row as never, { writeConcern: DURABLE });
      return { row, started: true };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    const same = (await this.find(row._id)) as Row | null;
    if (same !== null) return { row: same, started: true };
    const other = (await this.#rows.findOne({ lk: row.lk })) as unknown as Row | null;
    return other === null ? this.start(row) : { row: other, started: false };
  }

  async find(id: string): Promise<TaskRow | null> {
    return (await this.#rows.findOne({ _id: id as never })) as unknown as TaskRow | null;
  }

  /** @param onlyApp the only application whose tasks may be seen; null = all */
  list(query: TaskListQuery, onlyApp: string | null): Promise<Page<TaskRow>> {
    const filter = {
      ...(onlyApp === null ? {} : { app: onlyApp }),
      ...(query.status === undefined ? {} : { state: { $in: STATES[query.status] } }),
      ...(query.task === undefined ? {} : { kind: query.task }),
    };
    return pageById(this.#rows, filter, query);
  }

  /** Tasks that should go on and were not touched since: their workflow may have been lost. */
  async stale(before: Date, limit: number): Promise<TaskRow[]> {
    const found = this.#rows.find({ state: 'running', updatedAt: { $lt: before } }).limit(limit);
    return (await found.toArray()) as unknown as TaskRow[];
  }

  async setTotal(id: string, total: number): Promise<void> {
    await this.#set({ _id: id, total: null }, { total });
  }

  /** Keeps what the next page will do. Null when the task is no longer as it was read. */
  async plan({ _id, page }: ReplayTaskRow, plan: ReplayPlan): Promise<ReplayTaskRow | null> {
    const planned = await this.#set({ _id, page, plan: null, state: 'running' }, { plan });
    return planned as ReplayTaskRow | null;
  }

  /** Closes the planned page. Null when it was closed by somebody else. */
  async finishPage(
    task: ReplayTaskRow,
    sent: number,
    nextAt: Date,
    now = new Date(),
  ): Promise<ReplayTaskRow | null> {
    const { _id, page, plan } = task;
    const skipped = plan!.skipped + plan!.rows.length - sent;
    const next = plan!.next === null ? {} : { cursor: plan!.next };
    return (await this.#rows.findOneAndUpdate(
      { _id: _id as never, page, plan: { $ne: null } },
      { $set: { ...next, plan: null, nextAt, updatedAt: now }, $inc: { page: 1, sent, skipped } },
      { returnDocument: 'after', writeConcern: DURABLE },
    )) as unknown as ReplayTaskRow | null;
  }

  /** Does what an operator asks, if the task has not ended. @returns the task as it is then */
  async steer(id: string, steering: Steering): Promise<TaskRow | null> {
    switch (steering.action) {
      case 'pause':
        return this.#steered({ _id: id, state: 'running' }, { state: 'paused' });
      case 'resume':
        return this.#steered({ _id: id, state: 'paused' }, { state: 'running' });
      case 'setRate':
        return this.#steered({ _id: id, state: { $in: OPEN } }, { ratePerSec: steering.ratePerSec });
      case 'cancel':
        return (await this.end(id, 'canceled', steering.reason)) ?? this.find(id);
    }
  }

  /** Ends a task that has not ended. Null when it had. */
  async end(id: string, state: TaskState, reason: string | null, now = new Date()): Promise<TaskRow | null> {
    const outbox = [newOutboxEvent('background_task.finished', {}, now)];
    const members = { state, reason, lk: id, endedAt: now, updatedAt: now, outbox };
    const ended = await this.#rows.findOneAndUpdate(
      { _id: id as never, state: { $in: OPEN } },
      // What was planned is not carried out any more, and nobody needs what was to be sent.
      { $set: members, $unset: { plan: '', planned: '', message: '' } },
      { returnDocument: 'after', writeConcern: DURABLE },
    );
    this.bell.ring();
    return ended as unknown as TaskRow | null;
  }

  async #steered(
    filter: { _id: string; state: unknown },
    members: Partial<ReplayTaskRow>,
  ): Promise<TaskRow | null> {
    return (await this.#set(filter, members)) ?? this.find(filter._id);
  }

  async #set(filter: Record<string, unknown>, members: Partial<ReplayTaskRow>): Promise<TaskRow | null> {
    return (await this.#rows.findOneAndUpdate(
      filter as never,
      { $set: { updatedAt: new Date(), ...members } },
      { returnDocument: 'after', writeConcern: DURABLE },
    )) as unknown as TaskRow | null;
  }

  get #rows() {
    return this.models.tasks.collection;
  }
}

/** A task that has not begun. Also what a preview counts with, without being stored. */
export function newTask(
  { app, ep, kind, filter }: NewTask,
  id = newId('qtask'),
  now = new Date(),
): ReplayTaskRow {
  return {
    ...{ _id: id, app, ep, kind, lk: ep, filter },
    ...{ state: 'running', reason: null, ratePerSec: REPLAY_RATE.initial, total: null, sent: 0, skipped: 0 },
    ...{ page: 0, cursor: { stream: 0, after: '' }, plan: null, nextAt: null },
    ...{ createdAt: now, updatedAt: now, endedAt: null },
  };
}
