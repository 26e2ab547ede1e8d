import { Body, Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { taskStartedOut } from '../../../contracts/webhooks/background-task.js';
import type { TaskStartedOut } from '../../../contracts/webhooks/background-task.js';
import { bulkExpungeIn, bulkExpungeOut, rawPayloadOut } from '../../../contracts/webhooks/message-search.js';
import type { BulkExpungeIn, BulkExpungeOut } from '../../../contracts/webhooks/message-search.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { notFound } from '../../../platform/errors.js';
import { KeepsOwnIdempotency } from '../../../platform/http/idempotency.interceptor.js';
import { MessageRepository } from '../../../store/webhooks/message.repository.js';
import { ApplicationAccess } from '../application-access.js';
import { payloadText } from '../message.view.js';
import { taskStartedView } from '../task/background-task.view.js';
import { WalkTasks } from '../task/walk-tasks.js';

@ApiTags('Message')
@Controller('api/v1/app/:app_id/msg')
export class MessageContentController {
  constructor(
    private readonly messages: MessageRepository,
    private readonly access: ApplicationAccess,
    private readonly tasks: WalkTasks,
  ) {}

  @Get(':msg_id/raw')
  @Requires('messages:read')
  @ApiResponse({ status: 200, standardSchema: rawPayloadOut })
  async raw(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
  ): Promise<z.infer<typeof rawPayloadOut>> {
    const { _id: id } = await this.access.application(caller, app);
    const row = await this.messages.find(id, msg);
    if (row === null) throw notFound('message');
    return { payload: payloadText(row) };
  }

  @Post('expunge-all-contents')
  @HttpCode(202)
  @Requires('messages:write')
  @ApiResponse({ status: 202, standardSchema: taskStartedOut })
  async expungeAll(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Req() request: FastifyRequest,
  ): Promise<TaskStartedOut> {
    return taskStartedView(await this.tasks.purge(await this.access.erasable(caller, app), request));
  }

  // Expunging twice is expunging once: no answer needs to be kept.
  @Post('bulk-expunge')
  @HttpCode(200)
  @Requires('messages:write')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 200, standardSchema: bulkExpungeOut })
  async bulkExpunge(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: bulkExpungeIn }) body: BulkExpungeIn,
  ): Promise<BulkExpungeOut> {
    const { _id: id } = await this.access.erasable(caller, app);
    const expunged = await this.messages.expungeMany(id, body.ids);
    const result = (reference: string) => (expunged.has(reference) ? 'expunged' : 'not-found');
    return { results: Object.fromEntries(body.ids.map((one) => [one, result(one)] as const)) };
  }
}
