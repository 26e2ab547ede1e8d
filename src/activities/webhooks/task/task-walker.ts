import { ApplicationFailure } from '@temporalio/common';
import type { TaskProgress, WalkKind } from '../../../contracts/webhooks/task.js';
import type { TaskWalk } from '../../../store/webhooks/task/task-walk.js';
import type { TaskRepository } from '../../../store/webhooks/task/task.repository.js';
import type { TaskResultRepository } from '../../../store/webhooks/task/task-result.repository.js';
import type { WalkTaskRow } from '../../../store/webhooks/task/task.schema.js';
import { isReplay } from '../../../store/webhooks/task/task.schema.js';
import type { WalkTaskRepository } from '../../../store/webhooks/task/walk-task.repository.js';

interface WalkerOptions {
  tasks: TaskRepository;
  pages: WalkTaskRepository;
  results: TaskResultRepository;
  walks: Record<WalkKind, TaskWalk>;
  /** How long one call goes on. */
  forMs?: number;
}

/** One call makes one event in the workflow's history; the row is looked at after each page all the same. */
const FOR_MS = 10_000;
/** A result is one answer of the API. */
const MOST_RESULT_BYTES = 16 * 1024 * 1024;

/** Carries out tasks that walk, page by page. Whatever it does may be cut short anywhere and done again. */
export class TaskWalker {
  constructor(private readonly options: WalkerOptions) {}

  async count(taskId: string): Promise<void> {
    const task = await this.#find(taskId);
    if (task.total !== null || task.endedAt !== null) return;
    await this.options.tasks.setTotal(taskId, await this.options.walks[task.kind].count(task));
  }

  async pages(taskId: string, alive: () => void = () => undefined): Promise<TaskProgress> {
    const until = performance.now() + (this.options.forMs ?? FOR_MS);
    for (;;) {
      const task = await this.#page(await this.#find(taskId));
      if (task.state !== 'running' || performance.now() > until) return progress(task);
      alive();
    }
  }

  async #page(task: WalkTaskRow): Promise<WalkTaskRow> {
    if (task.state !== 'running') return task;
    const walked = await this.options.walks[task.kind].page(task);
    if (walked === null) return this.#find(task._id);
    if ('failed' in walked) return this.#end(task, 'failed', walked.failed);
    const { items, ...page } = walked;
    const bytes = await this.options.results.keep(task._id, task.page, items);
    if (task.bytes + bytes > MOST_RESULT_BYTES) return this.#end(task, 'failed', 'result_too_large');
    const after = await this.options.pages.finishPage(task, { ...page, bytes });
    if (after === null) return this.#find(task._id);
    return page.next === null && after.state === 'running' ? this.#end(after, 'finished', null) : after;
  }

  async #end(task: WalkTaskRow, state: 'finished' | 'failed', reason: string | null): Promise<WalkTaskRow> {
    await this.options.tasks.end(task._id, state, reason);
    return this.#find(task._id);
  }

  async #find(taskId: string): Promise<WalkTaskRow> {
    const task = await this.options.tasks.find(taskId);
    if (task === null) throw ApplicationFailure.nonRetryable(`there is no task ${taskId}`, 'not_found');
    if (isReplay(task)) throw ApplicationFailure.nonRetryable(`${taskId} is a ${task.kind}`, 'not_found');
    return task;
  }
}

const progress = ({ state, total, seen, counted, reason }: WalkTaskRow): TaskProgress => ({
  ...{ state, total, seen, counted, reason },
});
