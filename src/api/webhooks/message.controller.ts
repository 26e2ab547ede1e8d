import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  messageContentQuery,
  messageDetailOut,
  messageIn,
  messageListQuery,
  messageOut,
} from '../../contracts/webhooks/message.js';
import type {
  MessageDetailOut,
  MessageIn,
  MessageListQuery,
  MessageOut,
} from '../../contracts/webhooks/message.js';
import { reference } from '../../contracts/webhooks/names.js';
import { listOf } from '../../contracts/webhooks/page.js';
import type { Page } from '../../contracts/webhooks/page.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { notFound } from '../../platform/errors.js';
import { KeepsOwnIdempotency } from '../../platform/http/idempotency.interceptor.js';
import { mapPage } from '../../store/page.js';
import { MessageRepository } from '../../store/webhooks/message.repository.js';
import { ApplicationAccess } from './application-access.js';
import { MessageIngest } from './message-ingest.js';
import { messageDetailView, messageView } from './message.view.js';

@ApiTags('Message')
@Controller('api/v1/app/:app_id/msg')
export class MessageController {
  constructor(
    private readonly ingest: MessageIngest,
    private readonly messages: MessageRepository,
    private readonly access: ApplicationAccess,
  ) {}

  @Post()
  @HttpCode(202)
  @Requires('messages:create')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 202, standardSchema: messageOut })
  async create(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: messageIn }) body: MessageIn,
    @Query({ schema: messageContentQuery }) query: z.infer<typeof messageContentQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MessageOut> {
    const { row, replayed } = await this.ingest.accept(caller, app, body, request);
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return messageView(row, query.with_content);
  }

  @Get()
  @Requires('messages:read')
  @ApiResponse({ status: 200, standardSchema: listOf(messageOut) })
  async list(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Query({ schema: messageListQuery }) query: MessageListQuery,
  ): Promise<Page<MessageOut>> {
    const application = await this.access.application(caller, app);
    return mapPage(await this.messages.list(application._id, query), (row) =>
      messageView(row, query.with_content),
    );
  }

  @Get(':msg_id')
  @Requires('messages:read')
  @ApiResponse({ status: 200, standardSchema: messageDetailOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Query({ schema: messageContentQuery }) query: z.infer<typeof messageContentQuery>,
  ): Promise<MessageDetailOut> {
    return messageDetailView(await this.#find(caller, app, msg), query.with_content);
  }

  @Delete(':msg_id/content')
  @HttpCode(204)
  @Requires('messages:write')
  async expunge(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
  ): Promise<void> {
    await this.access.erasable(caller, app);
    const row = await this.#find(caller, app, msg);
    await this.messages.expunge(row._id);
  }

  async #find(caller: Principal, app: string, msg: string) {
    const application = await this.access.application(caller, app);
    const row = await this.messages.find(application._id, msg);
    if (row === null) throw notFound('message');
    return row;
  }
}
