import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  endpointPolicyIn,
  endpointPolicyOut,
  rateLimitStatusOut,
} from '../../contracts/webhooks/endpoint-policy.js';
import type {
  EndpointPolicyIn,
  EndpointPolicyOut,
  RateLimitStatusOut,
} from '../../contracts/webhooks/endpoint-policy.js';
import { reference } from '../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { ApplicationAccess } from './application-access.js';
import { EndpointPolicyWriter } from './endpoint-policy-writer.js';
import { endpointPolicyView } from './endpoint-policy.view.js';

@ApiTags('Endpoint')
@Controller('api/v1/app/:app_id/endpoint/:endpoint_id')
export class EndpointPolicyController {
  constructor(
    private readonly access: ApplicationAccess,
    private readonly writer: EndpointPolicyWriter,
  ) {}

  @Get('policy')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: endpointPolicyOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<EndpointPolicyOut> {
    return endpointPolicyView(await this.access.endpoint(caller, app, endpoint));
  }

  @Put('policy')
  @Requires('endpoints:write')
  @ApiResponse({ status: 200, standardSchema: endpointPolicyOut })
  async put(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointPolicyIn }) body: EndpointPolicyIn,
  ): Promise<EndpointPolicyOut> {
    const read = () => this.access.endpoint(caller, app, endpoint);
    return endpointPolicyView(await this.writer.replace(read, body));
  }

  @Get('rate-limit-status')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: rateLimitStatusOut })
  async rateLimit(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<RateLimitStatusOut> {
    return this.writer.rateLimitStatus(await this.access.endpoint(caller, app, endpoint));
  }
}
