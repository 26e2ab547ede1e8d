import { Body, Controller, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import {
  bulkReplayIn,
  cancelMessagesIn,
  exampleIn,
  replayCountOut,
  replayIn,
  replayQuery,
  taskStartedOut,
} from '../../../contracts/webhooks/background-task.js';
import type { CancelMessagesIn, ExampleIn, ReplayIn } from '../../../contracts/webhooks/background-task.js';
import { messageOut } from '../../../contracts/webhooks/message.js';
import type { MessageOut } from '../../../contracts/webhooks/message.js';
import { reference } from '../../../contracts/webhooks/names.js';
import type { ReplayKind } from '../../../contracts/webhooks/replay.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { creationId, KeepsOwnIdempotency } from '../../../platform/http/idempotency.interceptor.js';
import { DeliveryCancelRepository } from '../../../store/webhooks/delivery-cancel.repository.js';
import { ApplicationAccess } from '../application-access.js';
import { messageView } from '../message.view.js';
import { taskStartedView } from '../task/background-task.view.js';
import { ReplayTasks } from './replay-tasks.js';
import { SendExample } from './send-example.js';

type DryRun = z.infer<typeof replayQuery>;
type Started = z.infer<typeof taskStartedOut> | z.infer<typeof replayCountOut>;

/** Has an endpoint's messages sent again, or no longer. */
@ApiTags('Endpoint')
@Controller('api/v1/app/:app_id/endpoint/:endpoint_id')
export class ReplayController {
  constructor(
    private readonly tasks: ReplayTasks,
    private readonly examples: SendExample,
    private readonly deliveries: DeliveryCancelRepository,
    private readonly access: ApplicationAccess,
  ) {}

  @Post('recover')
  @HttpCode(202)
  @Requires('attempts:write')
  @ApiResponse({ status: 202, standardSchema: taskStartedOut })
  @ApiResponse({ status: 200, standardSchema: replayCountOut })
  recover(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: replayIn }) body: ReplayIn,
    @Query({ schema: replayQuery }) query: DryRun,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Started> {
    return this.#start('endpoint.recover', { caller, app, endpoint, body, query, request, reply });
  }

  @Post('replay-missing')
  @HttpCode(202)
  @Requires('attempts:write')
  @ApiResponse({ status: 202, standardSchema: taskStartedOut })
  @ApiResponse({ status: 200, standardSchema: replayCountOut })
  replayMissing(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: replayIn }) body: ReplayIn,
    @Query({ schema: replayQuery }) query: DryRun,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Started> {
    return this.#start('endpoint.replay', { caller, app, endpoint, body, query, request, reply });
  }

  @Post('bulk-replay')
  @HttpCode(202)
  @Requires('attempts:write')
  @ApiResponse({ status: 202, standardSchema: taskStartedOut })
  @ApiResponse({ status: 200, standardSchema: replayCountOut })
  bulkReplay(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: bulkReplayIn }) body: ReplayIn,
    @Query({ schema: replayQuery }) query: DryRun,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Started> {
    return this.#start('endpoint.bulk-replay', { caller, app, endpoint, body, query, request, reply });
  }

  @Post('cancel-msgs')
  @HttpCode(204)
  @Requires('attempts:write')
  async cancelMessages(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: cancelMessagesIn }) body: CancelMessagesIn,
  ): Promise<void> {
    const row = await this.access.endpoint(caller, app, endpoint);
    await this.deliveries.cancelBefore(row._id, new Date(body.createdBefore), 'canceled_by_operator');
  }

  @Post('send-example')
  @HttpCode(202)
  @Requires('attempts:write')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 202, standardSchema: messageOut })
  async sendExample(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: exampleIn }) body: ExampleIn,
    @Req() request: FastifyRequest,
  ): Promise<MessageOut> {
    const row = await this.access.endpoint(caller, app, endpoint);
    return messageView(await this.examples.send(row, body, request), true);
  }

  async #start(kind: ReplayKind, call: ReplayCall): Promise<Started> {
    const endpoint = await this.access.endpoint(call.caller, call.app, call.endpoint);
    if (call.query.dry_run) {
      void call.reply.status(200);
      return this.tasks.count(kind, endpoint, call.body);
    }
    const id = creationId(call.request, 'qtask');
    return taskStartedView(await this.tasks.start(kind, endpoint, call.body, id));
  }
}

interface ReplayCall {
  caller: Principal;
  app: string;
  endpoint: string;
  body: ReplayIn;
  query: DryRun;
  request: FastifyRequest;
  reply: FastifyReply;
}
