import { Body, Controller, Get, HttpCode, Param, Patch, Post, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { secretOut, secretRotateIn } from '../../contracts/webhooks/endpoint.js';
import type { SecretRotateIn } from '../../contracts/webhooks/endpoint.js';
import { reference } from '../../contracts/webhooks/names.js';
import {
  endpointHeadersIn,
  endpointHeadersOut,
  endpointHeadersPatch,
} from '../../contracts/webhooks/request-header.js';
import type { EndpointHeadersOut } from '../../contracts/webhooks/request-header.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { ApplicationAccess } from './application-access.js';
import { EndpointSecretWriter } from './endpoint-secret-writer.js';
import { EndpointSecrets } from './endpoint-secrets.js';

/** Signing secret and custom headers of an endpoint. */
@ApiTags('Endpoint')
@Controller('api/v1/app/:app_id/endpoint/:endpoint_id')
export class EndpointSecretController {
  constructor(
    private readonly writer: EndpointSecretWriter,
    private readonly secrets: EndpointSecrets,
    private readonly access: ApplicationAccess,
  ) {}

  @Get('secret')
  @Requires('secrets:read')
  @ApiResponse({ status: 200, standardSchema: secretOut })
  async secret(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<z.infer<typeof secretOut>> {
    return { key: this.secrets.current(await this.access.endpoint(caller, app, endpoint)) };
  }

  @Post('secret/rotate')
  @HttpCode(204)
  @Requires('secrets:write')
  async rotate(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: secretRotateIn }) body: SecretRotateIn,
  ): Promise<void> {
    await this.writer.rotate(await this.access.endpoint(caller, app, endpoint), body);
  }

  @Get('headers')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: endpointHeadersOut })
  async headers(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<EndpointHeadersOut> {
    return this.secrets.shownHeaders(await this.access.endpoint(caller, app, endpoint));
  }

  @Put('headers')
  @HttpCode(204)
  @Requires('endpoints:write')
  async putHeaders(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointHeadersIn }) body: z.infer<typeof endpointHeadersIn>,
  ): Promise<void> {
    await this.writer.putHeaders(await this.access.endpoint(caller, app, endpoint), body.headers);
  }

  @Patch('headers')
  @HttpCode(204)
  @Requires('endpoints:write')
  async patchHeaders(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointHeadersPatch }) body: z.infer<typeof endpointHeadersPatch>,
  ): Promise<void> {
    await this.writer.patchHeaders(await this.access.endpoint(caller, app, endpoint), body);
  }
}
