import { ApplicationFailure } from '@temporalio/common';
import type { ReplayKind, ReplayProgress, Steering } from '../../../contracts/webhooks/replay.js';
import { homeLane } from '../../../domain/webhooks/lane.js';
import { dueAt, pageRows } from '../../../domain/webhooks/replay-selection.js';
import type { EndpointRepository } from '../../../store/webhooks/endpoint.repository.js';
import type { ReplaySource } from '../../../store/webhooks/replay/replay-source.js';
import type { TaskRepository } from '../../../store/webhooks/replay/task.repository.js';
import type { TaskRow } from '../../../store/webhooks/replay/task.schema.js';

export interface ReplayOptions {
  tasks: TaskRepository;
  endpoints: EndpointRepository;
  sources: Record<ReplayKind, ReplaySource>;
  /** Number of shared lanes. */
  laneCount: number;
}

/** A page is planned this long before the one before it is all due, so that nothing stands still between them. */
const LEAD_MS = 500;

/** Carries out tasks page by page. Whatever it does may be cut short anywhere and done again. */
export class Replay {
  constructor(private readonly options: ReplayOptions) {}

  async preview(taskId: string): Promise<void> {
    const task = await this.#find(taskId);
    if (task.total !== null || task.endedAt !== null) return;
    const { count } = await this.#source(task).count(task);
    await this.options.tasks.setTotal(taskId, count);
  }

  async page(taskId: string): Promise<ReplayProgress> {
    const task = await this.#find(taskId);
    if (task.state !== 'running') return progress(task);
    const endpoint = await this.options.endpoints.find(task.app, task.ep);
    // What is sent to an endpoint that is gone or disabled would only be canceled again.
    if (endpoint === null) return this.#end(task, 'failed', 'endpoint_deleted');
    if (endpoint.disabled) return this.#end(task, 'failed', 'endpoint_disabled');
    const earlyMs = (task.nextAt?.getTime() ?? 0) - LEAD_MS - Date.now();
    if (task.plan === null && earlyMs > 0) return progress(task);
    const planned = task.plan === null ? await this.#plan(task) : task;
    return planned === null
      ? this.#asItIs(taskId)
      : this.#carryOut(planned, homeLane(endpoint, this.options.laneCount));
  }

  async steer(taskId: string, steering: Steering): Promise<void> {
    await this.options.tasks.steer(taskId, steering);
  }

  async #plan(task: TaskRow): Promise<TaskRow | null> {
    const plan = await this.#source(task).plan(task, pageRows(task.ratePerSec));
    return this.options.tasks.plan(task, plan);
  }

  async #carryOut(task: TaskRow, lane: string): Promise<ReplayProgress> {
    const plan = task.plan!;
    const startMs = Math.max(Date.now(), task.nextAt?.getTime() ?? 0);
    const at = (n: number) => dueAt(startMs, n, task.ratePerSec);
    const sent = await this.#source(task).apply(task, { lane, at });
    const finished = await this.options.tasks.finishPage(task, sent, at(plan.rows.length));
    if (finished === null) return this.#asItIs(task._id);
    if (plan.next === null && finished.state === 'running') return this.#end(finished, 'finished', null);
    return progress(finished);
  }

  async #end(task: TaskRow, state: 'finished' | 'failed', reason: string | null): Promise<ReplayProgress> {
    return progress((await this.options.tasks.end(task._id, state, reason)) ?? (await this.#find(task._id)));
  }

  async #asItIs(taskId: string): Promise<ReplayProgress> {
    return progress(await this.#find(taskId));
  }

  async #find(taskId: string): Promise<TaskRow> {
    const task = await this.options.tasks.find(taskId);
    if (task === null) throw ApplicationFailure.nonRetryable(`there is no task ${taskId}`, 'not_found');
    return task;
  }

  #source({ kind }: TaskRow): ReplaySource {
    return this.options.sources[kind];
  }
}

const progress = ({ state, total, sent, skipped, ratePerSec, nextAt, reason }: TaskRow): ReplayProgress => ({
  ...{ state, total, sent, skipped, ratePerSec, reason },
  waitMs: state === 'running' ? Math.max((nextAt?.getTime() ?? 0) - LEAD_MS - Date.now(), 0) : 0,
});
