import { Body, Controller, Get, HttpCode, Param, Patch, Post, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { secretOut, secretRotateIn } from '../../../contracts/webhooks/endpoint.js';
import type { SecretRotateIn } from '../../../contracts/webhooks/endpoint.js';
import { reference } from '../../../contracts/webhooks/names.js';
import {
  endpointHeadersIn,
  endpointHeadersOut,
  endpointHeadersPatch,
} from '../../../contracts/webhooks/request-header.js';
import type { EndpointHeadersOut } from '../../../contracts/webhooks/request-header.js';
import { AllApplications, Requires } from '../../../platform/auth/auth.guard.js';
import { EndpointSecretWriter } from '../endpoint-secret-writer.js';
import { EndpointSecrets } from '../endpoint-secrets.js';
import { OperationalEndpoints } from './operational-endpoints.js';

/** Signing secret and custom headers of an operational endpoint. */
@ApiTags('Operational webhook endpoint')
@AllApplications()
@Controller('api/v1/operational-webhook/endpoint/:endpoint_id')
export class OperationalSecretController {
  constructor(
    private readonly operational: OperationalEndpoints,
    private readonly secrets: EndpointSecrets,
    private readonly writer: EndpointSecretWriter,
  ) {}

  @Get('secret')
  @Requires('secrets:read')
  @ApiResponse({ status: 200, standardSchema: secretOut })
  async secret(
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<z.infer<typeof secretOut>> {
    return { key: this.secrets.current(await this.operational.find(endpoint)) };
  }

  @Post('secret/rotate')
  @HttpCode(204)
  @Requires('secrets:write')
  async rotate(
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: secretRotateIn }) body: SecretRotateIn,
  ): Promise<void> {
    await this.writer.rotate(await this.operational.find(endpoint), body);
  }

  @Get('headers')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: endpointHeadersOut })
  async headers(@Param('endpoint_id', { schema: reference }) endpoint: string): Promise<EndpointHeadersOut> {
    return this.secrets.shownHeaders(await this.operational.find(endpoint));
  }

  @Put('headers')
  @HttpCode(204)
  @Requires('endpoints:write')
  async putHeaders(
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointHeadersIn }) body: z.infer<typeof endpointHeadersIn>,
  ): Promise<void> {
    await this.writer.putHeaders(await this.operational.find(endpoint), body.headers);
  }

  @Patch('headers')
  @HttpCode(204)
  @Requires('endpoints:write')
  async patchHeaders(
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointHeadersPatch }) body: z.infer<typeof endpointHeadersPatch>,
  ): Promise<void> {
    await this.writer.patchHeaders(await this.operational.find(endpoint), body);
  }
}
