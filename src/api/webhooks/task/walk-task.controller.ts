import { Body, Controller, HttpCode, Post, Put, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { taskStartedOut } from '../../../contracts/webhooks/background-task.js';
import type { TaskStartedOut } from '../../../contracts/webhooks/background-task.js';
import { appUsageIn, appUsageOut, broadcastIn } from '../../../contracts/webhooks/task-request.js';
import type { AppUsageIn, AppUsageOut, BroadcastIn } from '../../../contracts/webhooks/task-request.js';
import { AllApplications, Requires } from '../../../platform/auth/auth.guard.js';
import { taskStartedView } from './background-task.view.js';
import { Broadcasts } from './broadcasts.js';
import { WalkTasks } from './walk-tasks.js';

/** Questions and orders about all applications: each is answered by a background task. */
@ApiTags('Background Task')
@Controller('api/v1')
export class WalkTaskController {
  constructor(
    private readonly tasks: WalkTasks,
    private readonly broadcasts: Broadcasts,
  ) {}

  @Post('stats/usage/app')
  @HttpCode(202)
  @Requires('applications:read')
  @AllApplications()
  @ApiResponse({ status: 202, standardSchema: appUsageOut })
  async usage(
    @Body({ schema: appUsageIn }) body: AppUsageIn,
    @Req() request: FastifyRequest,
  ): Promise<AppUsageOut> {
    const { task, unresolved } = await this.tasks.usage(body, request);
    return { ...taskStartedView(task), unresolvedAppIds: unresolved };
  }

  @Put('stats/usage/event-types')
  @HttpCode(202)
  @Requires('endpoints:read')
  @AllApplications()
  @ApiResponse({ status: 202, standardSchema: taskStartedOut })
  async subscriptions(@Req() request: FastifyRequest): Promise<TaskStartedOut> {
    return taskStartedView(await this.tasks.start('event-type.aggregate', request));
  }

  @Post('event-type/export/openapi')
  @HttpCode(202)
  @Requires('event-types:read')
  @AllApplications()
  @ApiResponse({ status: 202, standardSchema: taskStartedOut })
  async exportTypes(@Req() request: FastifyRequest): Promise<TaskStartedOut> {
    return taskStartedView(await this.tasks.start('sdk.generate', request));
  }

  @Post('msg/broadcast')
  @HttpCode(202)
  @Requires('messages:write')
  @AllApplications()
  @ApiResponse({ status: 202, standardSchema: taskStartedOut })
  async broadcast(
    @Body({ schema: broadcastIn }) body: BroadcastIn,
    @Req() request: FastifyRequest,
  ): Promise<TaskStartedOut> {
    return taskStartedView(await this.broadcasts.start(body, request));
  }
}
