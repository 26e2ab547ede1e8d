import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { apiTokenOut, createTokenIn, rotatePollerTokenIn } from '../../contracts/access/app-token.js';
import type { ApiTokenOut, CreateTokenIn, RotatePollerTokenIn } from '../../contracts/access/app-token.js';
import { reference } from '../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { KeepsOwnIdempotency } from '../../platform/http/idempotency.interceptor.js';
import { AppTokens } from './app-tokens.js';

// Answers that hold a token must not be stored: so a repeated request makes another one.
@ApiTags('Authentication')
@Controller('api/v1/auth/app/:app_id')
export class AppTokenController {
  constructor(private readonly tokens: AppTokens) {}

  @Post('create-message-token')
  @HttpCode(200)
  @Requires('keys:write')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 200, standardSchema: apiTokenOut })
  createMessageToken(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: createTokenIn }) body: CreateTokenIn,
  ): Promise<ApiTokenOut> {
    return this.tokens.forMessages(caller, app, body);
  }

  // Whoever may read it may poll with it, so listing keys is not enough.
  @Get('poller/:endpoint_id/token')
  @Requires('keys:write')
  @ApiResponse({ status: 200, standardSchema: apiTokenOut })
  pollerToken(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) poller: string,
  ): Promise<ApiTokenOut> {
    return this.tokens.ofPoller(caller, app, poller);
  }

  @Post('poller/:endpoint_id/token/rotate')
  @Requires('keys:write')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 201, standardSchema: apiTokenOut })
  rotatePollerToken(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) poller: string,
    @Body({ schema: rotatePollerTokenIn }) body: RotatePollerTokenIn,
  ): Promise<ApiTokenOut> {
    return this.tokens.rotate(caller, app, poller, body);
  }
}
