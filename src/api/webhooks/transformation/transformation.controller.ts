import { Body, Controller, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { reference } from '../../../contracts/webhooks/names.js';
import {
  simulateIn,
  simulateOut,
  transformationOut,
  transformationPatch,
} from '../../../contracts/webhooks/transformation.js';
import type {
  SimulateIn,
  SimulateOut,
  TransformationOut,
  TransformationPatch,
} from '../../../contracts/webhooks/transformation.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { ApplicationAccess } from '../application-access.js';
import { EndpointTransformation } from './endpoint-transformation.js';

@ApiTags('Endpoint')
@Controller('api/v1/app/:app_id/endpoint/:endpoint_id/transformation')
export class TransformationController {
  constructor(
    private readonly access: ApplicationAccess,
    private readonly transformation: EndpointTransformation,
  ) {}

  @Get()
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: transformationOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<TransformationOut> {
    return this.transformation.view(await this.access.endpoint(caller, app, endpoint));
  }

  @Patch()
  @HttpCode(204)
  @Requires('endpoints:write')
  async patch(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: transformationPatch }) body: TransformationPatch,
  ): Promise<void> {
    await this.transformation.patch(await this.access.endpoint(caller, app, endpoint), body);
  }

  @Post('simulate')
  @HttpCode(200)
  @Requires('endpoints:write')
  @ApiResponse({ status: 200, standardSchema: simulateOut })
  async simulate(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: simulateIn }) body: SimulateIn,
  ): Promise<SimulateOut> {
    return this.transformation.simulate(await this.access.endpoint(caller, app, endpoint), body);
  }
}
