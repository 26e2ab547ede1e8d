import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { ReplayCountOut, ReplayIn } from '../../../contracts/webhooks/background-task.js';
import { replayId } from '../../../contracts/webhooks/replay.js';
import type { ReplayFilter, ReplayKind, Steering } from '../../../contracts/webhooks/replay.js';
import { replayStart } from '../../../contracts/webhooks/replay-start.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { notFound, ProblemError } from '../../../platform/errors.js';
import { LOGGER } from '../../../platform/platform.module.js';
import { TemporalClient } from '../../../platform/temporal.js';
import { WEBHOOK_MODELS } from '../../../store/store.module.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import { replaySources } from '../../../store/webhooks/replay/replay-sources.js';
import { newTask, TaskRepository } from '../../../store/webhooks/replay/task.repository.js';
import type { TaskRow } from '../../../store/webhooks/replay/task.schema.js';
import type { WebhookModels } from '../../../store/webhooks/webhook-models.js';

/** What a request may count for; a task that is started counts to the end by itself. */
const MOST_COUNTING_MS = 2000;
const SIGNAL_TIMEOUT_MS = 3000;

/** Starts, steers and counts replays. The row is written first and decides; the workflow is only told. */
@Injectable()
export class ReplayTasks {
  readonly #sources;

  constructor(
    private readonly tasks: TaskRepository,
    private readonly temporal: TemporalClient,
    @Inject(WEBHOOK_MODELS) models: WebhookModels,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#sources = replaySources(models);
  }

  /** @param id names the task, so that repeating the request starts one */
  async start(kind: ReplayKind, endpoint: EndpointRow, body: ReplayIn, id: string): Promise<TaskRow> {
    if (endpoint.disabled) {
      throw new ProblemError('endpoint_disabled', 'The endpoint is disabled; enable it, then try again.');
    }
    const task = newTask({ app: endpoint.app, ep: endpoint._id, kind, filter: filterOf(body) }, id);
    const { row, started } = await this.tasks.start(task);
    if (!started) {
      throw new ProblemError(
        'task_running',
        `The task ${row._id} (${row.kind}) of this endpoint has not ended; wait for it or cancel it.`,
        { members: { existing: row._id } },
      );
    }
    const title = `${kind} to ${new URL(endpoint.url).origin} (${endpoint._id})`;
    const { type, options } = replayStart({ taskId: id, appId: row.app, endpointId: row.ep, title });
    await this.#tell(id, () =>
      this.temporal.client.workflow.start(type, { ...options, workflowIdConflictPolicy: 'USE_EXISTING' }),
    );
    return row;
  }

  /** How many messages a task would take now; at least so many when `approximated`. */
  async count(kind: ReplayKind, { app, _id: ep }: EndpointRow, body: ReplayIn): Promise<ReplayCountOut> {
    const task = newTask({ app, ep, kind, filter: filterOf(body) });
    const { count, complete } = await this.#sources[kind].count(task, MOST_COUNTING_MS);
    return { count, approximated: !complete };
  }

  async find(caller: Principal, id: string): Promise<TaskRow> {
    const row = await this.tasks.find(id);
    if (row === null || (caller.app !== null && caller.app !== row.app)) throw notFound('task');
    return row;
  }

  /** @throws ProblemError `task_ended` */
  async steer(caller: Principal, id: string, steering: Steering): Promise<TaskRow> {
    const before = await this.find(caller, id);
    if (before.endedAt !== null && steering.action !== 'cancel') throw ended(before);
    const row = await this.tasks.steer(id, steering);
    if (row === null) throw notFound('task');
    if (row.endedAt !== null && row.state !== 'canceled') throw ended(row);
    await this.#tell(id, () => this.temporal.client.workflow.getHandle(replayId(id)).signal('wake'));
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

function filterOf(body: ReplayIn, now = new Date()): ReplayFilter {
  const until = body.until == null ? now : new Date(Math.min(Date.parse(body.until), now.getTime()));
  return {
    since: new Date(body.since),
    until,
    eventTypes: body.eventTypes ?? null,
    channel: body.channel ?? null,
    tag: body.tag ?? null,
    status: body.status ?? null,
    statusCodeClass: body.statusCodeClass ?? null,
  };
}
