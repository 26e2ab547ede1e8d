import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { oauthConfigOut, oauthIn, oauthOut } from '../../../contracts/webhooks/endpoint-oauth.js';
import type { OauthConfigOut, OauthIn, OauthOut } from '../../../contracts/webhooks/endpoint-oauth.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { ApplicationAccess } from '../application-access.js';
import { EndpointOauthWriter } from './endpoint-oauth-writer.js';

/** The access tokens that an endpoint wants to see. */
@ApiTags('Endpoint')
@Controller('api/v1/app/:app_id/endpoint/:endpoint_id')
export class EndpointOauthController {
  constructor(
    private readonly access: ApplicationAccess,
    private readonly oauth: EndpointOauthWriter,
  ) {}

  @Get('oauth')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: oauthConfigOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<OauthConfigOut> {
    return this.oauth.shown(await this.access.endpoint(caller, app, endpoint));
  }

  @Get('oauth-config')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: oauthOut })
  async status(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<OauthOut> {
    return this.oauth.status(await this.access.endpoint(caller, app, endpoint));
  }

  @Put('oauth')
  @HttpCode(204)
  @Requires('endpoints:write')
  async put(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: oauthIn }) body: OauthIn,
  ): Promise<void> {
    await this.oauth.set(await this.access.endpoint(caller, app, endpoint), body);
  }

  @Delete('oauth')
  @HttpCode(204)
  @Requires('endpoints:write')
  async remove(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<void> {
    await this.oauth.remove(await this.access.endpoint(caller, app, endpoint));
  }
}
