import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  mtlsConfigOut,
  mtlsIn,
  mtlsOut,
  serverCaIn,
  serverCaOut,
} from '../../../contracts/webhooks/endpoint-tls.js';
import type {
  MtlsConfigOut,
  MtlsIn,
  MtlsOut,
  ServerCaIn,
  ServerCaOut,
} from '../../../contracts/webhooks/endpoint-tls.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { ApplicationAccess } from '../application-access.js';
import { EndpointTlsWriter } from './endpoint-tls-writer.js';

/** Authorities that vouch for the receiver, and the client certificate it is shown. */
@ApiTags('Endpoint')
@Controller('api/v1/app/:app_id/endpoint/:endpoint_id')
export class EndpointTlsController {
  constructor(
    private readonly access: ApplicationAccess,
    private readonly tls: EndpointTlsWriter,
  ) {}

  @Get('ca')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: serverCaOut })
  async ca(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<ServerCaOut> {
    return { cert: this.tls.authorities(await this.access.endpoint(caller, app, endpoint)) };
  }

  @Put('ca')
  @HttpCode(204)
  @Requires('endpoints:write')
  async putCa(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: serverCaIn }) body: ServerCaIn,
  ): Promise<void> {
    await this.tls.setAuthorities(await this.access.endpoint(caller, app, endpoint), body.cert ?? null);
  }

  @Get('mtls')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: mtlsConfigOut })
  async mtls(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<MtlsConfigOut> {
    return this.tls.identity(await this.access.endpoint(caller, app, endpoint));
  }

  @Get('mtls-config')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: mtlsOut })
  async mtlsConfig(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<MtlsOut> {
    return this.tls.status(await this.access.endpoint(caller, app, endpoint));
  }

  @Put('mtls')
  @HttpCode(204)
  @Requires('endpoints:write')
  async putMtls(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: mtlsIn }) body: MtlsIn,
  ): Promise<void> {
    await this.tls.setIdentity(await this.access.endpoint(caller, app, endpoint), body.identity);
  }

  @Delete('mtls')
  @HttpCode(204)
  @Requires('endpoints:write')
  async deleteMtls(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<void> {
    await this.tls.setIdentity(await this.access.endpoint(caller, app, endpoint), null);
  }
}
