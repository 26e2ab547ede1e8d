import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import {
  attemptOut,
  endpointAttemptsQuery,
  messageAttemptsQuery,
  resendOut,
} from '../../contracts/webhooks/attempt.js';
import type { AttemptListQuery, AttemptOut } from '../../contracts/webhooks/attempt.js';
import { reference } from '../../contracts/webhooks/names.js';
import { listOf } from '../../contracts/webhooks/page.js';
import type { Page } from '../../contracts/webhooks/page.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { notFound } from '../../platform/errors.js';
import { creationId } from '../../platform/http/idempotency.interceptor.js';
import { AttemptListRepository } from '../../store/webhooks/attempt-list.repository.js';
import type { AttemptRow } from '../../store/webhooks/attempt.schema.js';
import { EndpointRepository } from '../../store/webhooks/endpoint.repository.js';
import { MessageRepository } from '../../store/webhooks/message.repository.js';
import { ApplicationAccess } from './application-access.js';
import { attemptView } from './attempt.view.js';
import { Resend } from './resend.js';

@ApiTags('Message Attempt')
@Controller('api/v1/app/:app_id')
export class AttemptController {
  constructor(
    private readonly attempts: AttemptListRepository,
    private readonly messages: MessageRepository,
    private readonly endpoints: EndpointRepository,
    private readonly access: ApplicationAccess,
    private readonly resending: Resend,
  ) {}

  @Get('attempt/endpoint/:endpoint_id')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: listOf(attemptOut) })
  async byEndpoint(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Query({ schema: endpointAttemptsQuery }) query: AttemptListQuery,
  ): Promise<Page<AttemptOut>> {
    const row = await this.access.endpoint(caller, app, endpoint);
    return this.#shown(await this.attempts.list({ ep: row._id }, query), query);
  }

  @Get('attempt/msg/:msg_id')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: listOf(attemptOut) })
  async byMessage(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Query({ schema: messageAttemptsQuery }) query: AttemptListQuery,
  ): Promise<Page<AttemptOut>> {
    const { message } = await this.#find(caller, app, msg);
    const endpoint =
      query.endpoint_id === undefined ? null : await this.#endpoint(message.app, query.endpoint_id);
    const scope = { msg: message._id, ...(endpoint === null ? {} : { ep: endpoint._id }) };
    return this.#shown(await this.attempts.list(scope, query), query);
  }

  @Post('msg/:msg_id/endpoint/:endpoint_id/resend')
  @HttpCode(202)
  @Requires('messages:write')
  @ApiResponse({ status: 202, standardSchema: resendOut })
  async resend(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Req() request: FastifyRequest,
  ): Promise<Record<string, never>> {
    const { message } = await this.#find(caller, app, msg);
    const target = await this.#endpoint(message.app, endpoint);
    await this.resending.start(message, target, creationId(request, 'req'));
    return {};
  }

  async #find(caller: Principal, app: string, msg: string) {
    const application = await this.access.application(caller, app);
    const message = await this.messages.find(application._id, msg);
    if (message === null) throw notFound('message');
    return { message };
  }

  async #endpoint(app: string, endpoint: string) {
    const row = await this.endpoints.find(app, endpoint);
    if (row === null) throw notFound('endpoint');
    return row;
  }

  async #shown(page: Page<AttemptRow>, query: AttemptListQuery): Promise<Page<AttemptOut>> {
    const ids = query.with_msg ? [...new Set(page.data.map((row) => row.msg))] : [];
    const messages = ids.length === 0 ? [] : await this.messages.findMany(ids);
    const byId = new Map(messages.map((message) => [message._id, message]));
    return { ...page, data: page.data.map((row) => attemptView(row, query.with_content, byId.get(row.msg))) };
  }
}
