import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { WalkKind } from '../../../contracts/webhooks/task.js';
import type { AppUsageIn } from '../../../contracts/webhooks/task-request.js';
import { ksuidFloor } from '../../../domain/ksuid.js';
import { invalidMember } from '../../../platform/errors.js';
import { creationId } from '../../../platform/http/idempotency.interceptor.js';
import { ApplicationRepository } from '../../../store/webhooks/application.repository.js';
import type { ApplicationRow } from '../../../store/webhooks/application.schema.js';
import type { WalkTaskRow } from '../../../store/webhooks/task/task.schema.js';
import { newWalkTask } from '../../../store/webhooks/task/walk-task.repository.js';
import { BackgroundTasks } from './background-tasks.js';

/** Starts tasks that walk through what is stored. The id names a task, so that repeating the request starts one. */
@Injectable()
export class WalkTasks {
  constructor(
    private readonly tasks: BackgroundTasks,
    private readonly applications: ApplicationRepository,
  ) {}

  /** Removes the payloads of all messages accepted so far. */
  purge({ _id: app }: ApplicationRow, request: FastifyRequest, now = new Date()): Promise<WalkTaskRow> {
    const asked = { before: `msg_${ksuidFloor(now.getTime() + 1)}` };
    const task = newWalkTask(
      { kind: 'application.purge_content', app, asked },
      creationId(request, 'qtask'),
      now,
    );
    return this.tasks.begin(task, `${task.kind} of ${app}`);
  }

  /** @returns the task, and what was named that is no application */
  async usage(
    { since, until, appIds }: AppUsageIn,
    request: FastifyRequest,
  ): Promise<{ task: WalkTaskRow; unresolved: string[] }> {
    const found = appIds == null ? null : await this.applications.resolve(appIds);
    if (found?.size === 0) {
      throw invalidMember(['appIds'], 'expected the id or uid of at least one application, found none');
    }
    const apps = found === null ? {} : { apps: [...new Set(found.values())].sort() };
    const task = newWalkTask(
      { kind: 'application.stats', asked: { since, until, ...apps } },
      creationId(request, 'qtask'),
    );
    const unresolved = (appIds ?? []).filter((reference) => found?.has(reference) === false);
    return { task: await this.tasks.begin(task, task.kind), unresolved };
  }

  start(
    kind: Extract<WalkKind, 'event-type.aggregate' | 'sdk.generate'>,
    request: FastifyRequest,
  ): Promise<WalkTaskRow> {
    return this.tasks.begin(newWalkTask({ kind }, creationId(request, 'qtask')), kind);
  }
}
