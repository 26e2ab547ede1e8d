import { Inject, Injectable } from '@nestjs/common';
import type { ReplayCountOut, ReplayIn } from '../../../contracts/webhooks/background-task.js';
import type { ReplayFilter, ReplayKind } from '../../../contracts/webhooks/replay.js';
import { ProblemError } from '../../../platform/errors.js';
import { WEBHOOK_MODELS } from '../../../store/store.module.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import { replaySources } from '../../../store/webhooks/replay/replay-sources.js';
import { newTask } from '../../../store/webhooks/task/task.repository.js';
import type { ReplayTaskRow } from '../../../store/webhooks/task/task.schema.js';
import type { WebhookModels } from '../../../store/webhooks/webhook-models.js';
import { BackgroundTasks } from '../task/background-tasks.js';

/** What a request may count for; a task that is started counts to the end by itself. */
const MOST_COUNTING_MS = 2000;

/** Starts and counts replays. */
@Injectable()
export class ReplayTasks {
  readonly #sources;

  constructor(
    private readonly tasks: BackgroundTasks,
    @Inject(WEBHOOK_MODELS) models: WebhookModels,
  ) {
    this.#sources = replaySources(models);
  }

  /** @param id names the task, so that repeating the request starts one */
  async start(kind: ReplayKind, endpoint: EndpointRow, body: ReplayIn, id: string): Promise<ReplayTaskRow> {
    if (endpoint.disabled) {
      throw new ProblemError('endpoint_disabled', 'The endpoint is disabled; enable it, then try again.');
    }
    const task = newTask({ app: endpoint.app, ep: endpoint._id, kind, filter: filterOf(body) }, id);
    return this.tasks.begin(task, `${kind} to ${new URL(endpoint.url).origin} (${endpoint._id})`);
  }

  /** How many messages a task would take now; at least so many when `approximated`. */
  async count(kind: ReplayKind, { app, _id: ep }: EndpointRow, body: ReplayIn): Promise<ReplayCountOut> {
    const task = newTask({ app, ep, kind, filter: filterOf(body) });
    const { count, complete } = await this.#sources[kind].count(task, MOST_COUNTING_MS);
    return { count, approximated: !complete };
  }
}

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
