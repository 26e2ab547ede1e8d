import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Steering } from '../../../contracts/webhooks/replay.js';
import { taskStart, workflowOfTask } from '../../../contracts/webhooks/task-start.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { invalidMember, notFound, ProblemError } from '../../../platform/errors.js';
import { LOGGER } from '../../../platform/platform.module.js';
import { TemporalClient } from '../../../platform/temporal.js';
import { TaskRepository } from '../../../store/webhooks/task/task.repository.js';
import { isReplay } from '../../../store/webhooks/task/task.schema.js';
import type { TaskRow } from '../../../store/webhooks/task/task.schema.js';

const SIGNAL_TIMEOUT_MS = 3000;

/** Starts and steers long jobs. The row is written first and decides; the workflow is only told. */
@Injectable()
export class BackgroundTasks {
  constructor(
    private readonly tasks: TaskRepository,
    private readonly temporal: TemporalClient,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** @throws ProblemError `task_running` when an open task is in its way */
  async begin<Row extends TaskRow>(task: Row, title: string): Promise<Row> {
    const { row, started } = await this.tasks.start(task);
    if (!started) {
      throw new ProblemError(
        'task_running',
        `The task ${row._id} (${row.kind}) has not ended; wait for it or cancel it.`,
        { members: { existing: row._id } },
      );
    }
    const { _id: taskId, app: appId, ep: endpointId } = row;
    const { type, options } = taskStart({ taskId, appId, endpointId, title });
    await this.#tell(taskId, () =>
      this.temporal.client.workflow.start(type, { ...options, workflowIdConflictPolicy: 'USE_EXISTING' }),
    );
    return row;
  }

  /** A key of one application finds the tasks about it. */
  async find(caller: Principal, id: string): Promise<TaskRow> {
    const row = await this.tasks.find(id);
    if (row === null || (caller.app !== null && caller.app !== row.app)) throw notFound('task');
    return row;
  }

  /** @throws ProblemError `task_ended` */
  async steer(caller: Principal, id: string, steering: Steering): Promise<TaskRow> {
    const before = await this.find(caller, id);
    if (before.endedAt !== null && steering.action !== 'cancel') throw ended(before);
    if (steering.action === 'setRate' && !isReplay(before)) {
      throw invalidMember(['ratePerSec'], `expected a task of an endpoint, ${id} is a ${before.kind}`);
    }
    const row = await this.tasks.steer(id, steering);
    if (row === null) throw notFound('task');
    if (row.endedAt !== null && row.state !== 'canceled') throw ended(row);
    const workflow = workflowOfTask({ taskId: id, endpointId: row.ep });
    await this.#tell(id, () => this.temporal.client.workflow.getHandle(workflow).signal('wake'));
    return row;
  }

  // Temporal may be away: the row stands, and the sweeper finds a task whose workflow does not move.
  async #tell(id: string, tell: () => Promise<unknown>): Promise<void> {
    try {
      await this.temporal.client.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, tell);
    } catch (error) {
      this.log.warn({ err: error, task: id }, 'the workflow of the task was not told; the sweeper will');
    }
  }
}

const ended = (row: TaskRow) =>
  new ProblemError('task_ended', `The task ${row._id} has ended: ${row.state}.`);
