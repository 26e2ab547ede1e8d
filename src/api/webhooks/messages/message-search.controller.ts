import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { messageOut } from '../../../contracts/webhooks/message.js';
import type { MessageOut } from '../../../contracts/webhooks/message.js';
import {
  messagePrecheckIn,
  messagePrecheckOut,
  messageSearchIn,
} from '../../../contracts/webhooks/message-search.js';
import type { MessagePrecheckIn, MessageSearchIn } from '../../../contracts/webhooks/message-search.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { listOf } from '../../../contracts/webhooks/page.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { isWanted } from '../../../domain/webhooks/target-match.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { KeepsOwnIdempotency } from '../../../platform/http/idempotency.interceptor.js';
import { mapPage } from '../../../store/page.js';
import { ApplicationCache } from '../../../store/webhooks/application-cache.js';
import { MessageRepository } from '../../../store/webhooks/message.repository.js';
import { ApplicationAccess } from '../application-access.js';
import { messageView } from '../message.view.js';

/** Questions that are POSTs in the compatible API. They change nothing, so no answer is kept for repetition. */
@ApiTags('Message')
@Controller('api/v1/app/:app_id/msg')
export class MessageSearchController {
  constructor(
    private readonly messages: MessageRepository,
    private readonly access: ApplicationAccess,
    private readonly cache: ApplicationCache,
  ) {}

  @Post('search')
  @HttpCode(200)
  @Requires('messages:read')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 200, standardSchema: listOf(messageOut) })
  async search(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: messageSearchIn }) body: MessageSearchIn,
  ): Promise<Page<MessageOut>> {
    const { _id: id } = await this.access.application(caller, app);
    return mapPage(await this.messages.list(id, body), (row) => messageView(row, body.with_content));
  }

  /** Whether an endpoint wants messages of this type and channels, whatever their payload. */
  @Post('precheck/active')
  @HttpCode(200)
  @Requires('messages:read')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 200, standardSchema: messagePrecheckOut })
  async precheck(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: messagePrecheckIn }) body: MessagePrecheckIn,
  ): Promise<z.infer<typeof messagePrecheckOut>> {
    const { _id: id, rev } = await this.access.application(caller, app);
    const endpoints = await this.cache.endpointsAsOf(id, rev);
    return { active: isWanted({ type: body.eventType, channels: body.channels ?? null }, endpoints) };
  }
}
