import { Body, Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import {
  expireAllIn,
  oneTimeTokenIn,
  oneTimeTokenOut,
  portalAccessIn,
  portalAccessOut,
  whoamiOut,
} from '../../contracts/access/portal-access.js';
import type {
  ExpireAllIn,
  OneTimeTokenIn,
  OneTimeTokenOut,
  PortalAccessIn,
  PortalAccessOut,
} from '../../contracts/access/portal-access.js';
import { reference } from '../../contracts/webhooks/names.js';
import { Caller, Public, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { KeepsOwnIdempotency } from '../../platform/http/idempotency.interceptor.js';
import { ApiKeyService } from './api-key.service.js';
import { PortalAccess } from './portal-access.js';

@ApiTags('Authentication')
@Controller('api/v1/auth')
export class PortalAccessController {
  constructor(
    private readonly portal: PortalAccess,
    private readonly keys: ApiKeyService,
  ) {}

  // The answer holds the token, which must not be stored: so a repeated request makes another one.
  @Post('app-portal-access/:app_id')
  @HttpCode(200)
  @Requires('keys:write')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 200, standardSchema: portalAccessOut })
  grant(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: portalAccessIn }) body: PortalAccessIn,
    @Req() request: FastifyRequest,
  ): Promise<PortalAccessOut> {
    return this.portal.grant(caller, app, body, `${request.protocol}://${request.host}`);
  }

  // The one-time token is the credential, and the answer must not be stored.
  @Post('one-time-token')
  @HttpCode(200)
  @Public()
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 200, standardSchema: oneTimeTokenOut })
  exchange(@Body({ schema: oneTimeTokenIn }) body: OneTimeTokenIn): Promise<OneTimeTokenOut> {
    return this.portal.exchange(body);
  }

  @Post('app/:app_id/expire-all')
  @HttpCode(204)
  @Requires('keys:write')
  expireAll(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: expireAllIn }) body: ExpireAllIn,
  ): Promise<void> {
    return this.portal.expireAll(caller, app, body);
  }

  // Every token made for a customer has this scope; whether the caller has such a one is found out then.
  @Post('logout')
  @HttpCode(204)
  @Requires('applications:read')
  @KeepsOwnIdempotency()
  logout(@Caller() caller: Principal): Promise<void> {
    return this.keys.logout(caller);
  }

  @Get('whoami')
  @Requires('applications:read')
  @ApiResponse({ status: 200, standardSchema: whoamiOut })
  whoami(@Caller() caller: Principal): z.infer<typeof whoamiOut> {
    return { ...(caller.app === null ? {} : { appId: caller.app }), permissionSource: 'Unknown' };
  }
}
