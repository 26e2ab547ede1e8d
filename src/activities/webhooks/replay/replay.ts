import { ApplicationFailure } from '@temporalio/common';
import type { ReplayKind, ReplayProgress } from '../../../contracts/webhooks/replay.js';
import { homeLane } from '../../../domain/webhooks/lane.js';
import { crashPoint } from '../../../platform/crash-point.js';
import { dueAt, pageRows } from '../../../domain/webhooks/replay-selection.js';
import type { EndpointRepository } from '../../../store/webhooks/endpoint.repository.js';
import type { ReplaySource } from '../../../store/webhooks/replay/replay-source.js';
import type { TaskRepository } from '../../../store/webhooks/task/task.repository.js';
import { isReplay } from '../../../store/webhooks/task/task.schema.js';
import type { ReplayTaskRow } from '../../../store/webhooks/task/task.schema.js';

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

  async #plan(task: ReplayTaskRow): Promise<ReplayTaskRow | null> {
    const plan = await this.#source(task).plan(task, pageRows(task.ratePerSec));
    return this.options.tasks.plan(task, plan);
  }

  async #carryOut(task: ReplayTaskRow, lane: string): Promise<ReplayProgress> {
    const plan = task.plan!;
    const startMs = Math.max(Date.now(), task.nextAt?.getTime() ?? 0);
    const at = (n: number) => dueAt(startMs, n, task.ratePerSec);
    crashPoint('replay_planned');
    const sent = await this.#source(task).apply(task, { lane, at });
    crashPoint('replay_applied');
    const finished = await this.options.tasks.finishPage(task, sent, at(plan.rows.length));
    if (finished === null) return this.#asItIs(task._id);
    if (plan.next === null && finished.state === 'running') return this.#end(finished, 'finished', null);
    return progress(finished);
  }

  async #end(
    task: ReplayTaskRow,
    state: 'finished' | 'failed',
    reason: string | null,
  ): Promise<ReplayProgress> {
    await this.options.tasks.end(task._id, state, reason);
    return this.#asItIs(task._id);
  }

  async #asItIs(taskId: string): Promise<ReplayProgress> {
    return progress(await this.#find(taskId));
  }

  async #find(taskId: string): Promise<ReplayTaskRow> {
    const task = await this.options.tasks.find(taskId);
    if (task === null || !isReplay(task)) {
      throw ApplicationFailure.nonRetryable(`there is no replay ${taskId}`, 'not_found');
    }
    return task;
  }

  #source({ kind }: ReplayTaskRow): ReplaySource {
    return this.options.sources[kind];
  }
}

const progress = ({
  state,
  total,
  sent,
  skipped,
  ratePerSec,
  nextAt,
  reason,
}: ReplayTaskRow): ReplayProgress => ({
  ...{ state, total, sent, skipped, ratePerSec, reason },
  waitMs: state === 'running' ? Math.max((nextAt?.getTime() ?? 0) - LEAD_MS - Date.now(), 0) : 0,
});
