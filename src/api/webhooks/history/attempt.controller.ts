import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import {
  attemptCountQuery,
  attemptHeadersOut,
  attemptOut,
  countOut,
  endpointAttemptsQuery,
  messageAttemptsQuery,
  resendOut,
} from '../../../contracts/webhooks/attempt.js';
import type {
  AttemptFilters,
  AttemptHeadersOut,
  AttemptListQuery,
  AttemptOut,
  CountOut,
} from '../../../contracts/webhooks/attempt.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { listOf } from '../../../contracts/webhooks/page.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { creationId } from '../../../platform/http/idempotency.interceptor.js';
import { AttemptListRepository } from '../../../store/webhooks/lists/attempt-list.repository.js';
import { ApplicationAccess } from '../application-access.js';
import { Resend } from '../resend.js';
import { AttemptReader } from './attempt-reader.js';
import { attemptHeadersView, attemptView } from './attempt.view.js';

@ApiTags('Message Attempt')
@Controller('api/v1/app/:app_id')
export class AttemptController {
  constructor(
    private readonly reader: AttemptReader,
    private readonly attempts: AttemptListRepository,
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
    return this.reader.ofEndpoint(caller, app, endpoint, query);
  }

  @Get('attempt/endpoint/:endpoint_id/count')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: countOut })
  async countByEndpoint(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Query({ schema: attemptCountQuery }) query: AttemptFilters,
  ): Promise<CountOut> {
    return this.attempts.count((await this.access.endpoint(caller, app, endpoint))._id, query);
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
    return this.reader.ofMessage(caller, app, msg, query);
  }

  @Get('msg/:msg_id/attempt/:attempt_id')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: attemptOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Param('attempt_id', { schema: reference }) attempt: string,
  ): Promise<AttemptOut> {
    return attemptView(await this.reader.one(caller, app, msg, attempt), true, undefined);
  }

  @Get('msg/:msg_id/attempt/:attempt_id/headers')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: attemptHeadersOut })
  async headers(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Param('attempt_id', { schema: reference }) attempt: string,
  ): Promise<AttemptHeadersOut> {
    return attemptHeadersView(await this.reader.one(caller, app, msg, attempt));
  }

  @Delete('msg/:msg_id/attempt/:attempt_id/content')
  @HttpCode(204)
  @Requires('messages:write')
  async expunge(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Param('attempt_id', { schema: reference }) attempt: string,
  ): Promise<void> {
    await this.access.erasable(caller, app);
    await this.attempts.expunge((await this.reader.one(caller, app, msg, attempt))._id);
  }

  @Post('msg/:msg_id/endpoint/:endpoint_id/resend')
  @HttpCode(202)
  @Requires('attempts:write')
  @ApiResponse({ status: 202, standardSchema: resendOut })
  async resend(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Req() request: FastifyRequest,
  ): Promise<Record<string, never>> {
    const message = await this.reader.message(caller, app, msg);
    const target = await this.reader.endpoint(message.app, endpoint);
    await this.resending.start(message, target, creationId(request, 'req'));
    return {};
  }
}
