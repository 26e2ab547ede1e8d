import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { reference } from '../../../contracts/webhooks/names.js';
import { listOf } from '../../../contracts/webhooks/page.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import {
  pollingEndpointIn,
  pollingEndpointListQuery,
  pollingEndpointOut,
} from '../../../contracts/webhooks/poller.js';
import type {
  PollingEndpointIn,
  PollingEndpointListQuery,
  PollingEndpointOut,
} from '../../../contracts/webhooks/poller.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { creationId } from '../../../platform/http/idempotency.interceptor.js';
import { mapPage } from '../../../store/page.js';
import { PollingEndpoints } from './polling-endpoints.js';
import { pollingEndpointView } from './polling-endpoint.view.js';

/** The compatible API reads polling endpoints and has no route that makes them: these are ours. */
@ApiTags('Polling endpoint')
@Controller('api/v1/app/:app_id/poller')
export class PollingEndpointController {
  constructor(private readonly endpoints: PollingEndpoints) {}

  @Post()
  @Requires('endpoints:write')
  @ApiResponse({ status: 201, standardSchema: pollingEndpointOut })
  async create(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: pollingEndpointIn }) body: PollingEndpointIn,
    @Req() request: FastifyRequest,
  ): Promise<PollingEndpointOut> {
    const id = creationId(request, 'poll');
    return pollingEndpointView(await this.endpoints.create(caller, app, body, id));
  }

  @Get()
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: listOf(pollingEndpointOut) })
  async list(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Query({ schema: pollingEndpointListQuery }) query: PollingEndpointListQuery,
  ): Promise<Page<PollingEndpointOut>> {
    return mapPage(await this.endpoints.list(caller, app, query), pollingEndpointView);
  }

  @Get(':sink_id/settings')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: pollingEndpointOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('sink_id', { schema: reference }) poller: string,
  ): Promise<PollingEndpointOut> {
    return pollingEndpointView(await this.endpoints.find(caller, app, poller));
  }

  @Put(':sink_id/settings')
  @Requires('endpoints:write')
  @ApiResponse({ status: 200, standardSchema: pollingEndpointOut })
  async put(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('sink_id', { schema: reference }) poller: string,
    @Body({ schema: pollingEndpointIn }) body: PollingEndpointIn,
  ): Promise<PollingEndpointOut> {
    return pollingEndpointView(await this.endpoints.put(caller, app, poller, body));
  }

  @Delete(':sink_id')
  @HttpCode(204)
  @Requires('endpoints:write')
  delete(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('sink_id', { schema: reference }) poller: string,
  ): Promise<void> {
    return this.endpoints.delete(caller, app, poller);
  }
}
