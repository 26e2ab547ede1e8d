import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  backgroundTaskOut,
  taskId,
  taskListQuery,
  taskPatch,
} from '../../../contracts/webhooks/background-task.js';
import type {
  BackgroundTaskOut,
  TaskListQuery,
  TaskPatch,
} from '../../../contracts/webhooks/background-task.js';
import { listOf } from '../../../contracts/webhooks/page.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { mapPage } from '../../../store/page.js';
import { TaskRepository } from '../../../store/webhooks/task/task.repository.js';
import { backgroundTaskView } from './background-task.view.js';
import { BackgroundTasks } from './background-tasks.js';
import { TaskResults } from './task-results.js';

@ApiTags('Background Task')
@Controller('api/v1/background-task')
export class BackgroundTaskController {
  constructor(
    private readonly tasks: BackgroundTasks,
    private readonly rows: TaskRepository,
    private readonly results: TaskResults,
  ) {}

  @Get()
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: listOf(backgroundTaskOut) })
  async list(
    @Caller() caller: Principal,
    @Query({ schema: taskListQuery }) query: TaskListQuery,
  ): Promise<Page<BackgroundTaskOut>> {
    return mapPage(await this.rows.list(query, caller.app), (row) => backgroundTaskView(row));
  }

  @Get(':task_id')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: backgroundTaskOut })
  async get(
    @Caller() caller: Principal,
    @Param('task_id', { schema: taskId }) task: string,
  ): Promise<BackgroundTaskOut> {
    const row = await this.tasks.find(caller, task);
    return backgroundTaskView(row, await this.results.of(row));
  }

  @Patch(':task_id')
  @Requires('attempts:write')
  @ApiResponse({ status: 200, standardSchema: backgroundTaskOut })
  async setRate(
    @Caller() caller: Principal,
    @Param('task_id', { schema: taskId }) task: string,
    @Body({ schema: taskPatch }) { ratePerSec }: TaskPatch,
  ): Promise<BackgroundTaskOut> {
    return backgroundTaskView(await this.tasks.steer(caller, task, { action: 'setRate', ratePerSec }));
  }

  @Post(':task_id/pause')
  @HttpCode(200)
  @Requires('attempts:write')
  @ApiResponse({ status: 200, standardSchema: backgroundTaskOut })
  async pause(
    @Caller() caller: Principal,
    @Param('task_id', { schema: taskId }) task: string,
  ): Promise<BackgroundTaskOut> {
    return backgroundTaskView(await this.tasks.steer(caller, task, { action: 'pause' }));
  }

  @Post(':task_id/resume')
  @HttpCode(200)
  @Requires('attempts:write')
  @ApiResponse({ status: 200, standardSchema: backgroundTaskOut })
  async resume(
    @Caller() caller: Principal,
    @Param('task_id', { schema: taskId }) task: string,
  ): Promise<BackgroundTaskOut> {
    return backgroundTaskView(await this.tasks.steer(caller, task, { action: 'resume' }));
  }

  @Post(':task_id/cancel')
  @HttpCode(200)
  @Requires('attempts:write')
  @ApiResponse({ status: 200, standardSchema: backgroundTaskOut })
  async cancel(
    @Caller() caller: Principal,
    @Param('task_id', { schema: taskId }) task: string,
  ): Promise<BackgroundTaskOut> {
    const steering = { action: 'cancel', reason: 'canceled_by_operator' } as const;
    return backgroundTaskView(await this.tasks.steer(caller, task, steering));
  }
}
