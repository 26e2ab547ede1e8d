import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { endpointIn, endpointOut, endpointPatch, endpointUpdate } from '../../contracts/webhooks/endpoint.js';
import type {
  EndpointIn,
  EndpointOut,
  EndpointPatch,
  EndpointUpdate,
} from '../../contracts/webhooks/endpoint.js';
import { reference } from '../../contracts/webhooks/names.js';
import { listOf, ordering, pageQuery } from '../../contracts/webhooks/page.js';
import type { Page } from '../../contracts/webhooks/page.js';
import { Caller, Requires } from '../../platform/auth/auth.guard.js';
import type { Principal } from '../../platform/auth/scopes.js';
import { creationId } from '../../platform/http/idempotency.interceptor.js';
import { mapPage } from '../../store/page.js';
import { ApplicationAccess } from './application-access.js';
import { EndpointWriter } from './endpoint-writer.js';
import { endpointView } from './endpoint.view.js';

const listQuery = pageQuery('ep').extend({ order: ordering.default('descending') });

@ApiTags('Endpoint')
@Controller('api/v1/app/:app_id/endpoint')
export class EndpointController {
  constructor(
    private readonly writer: EndpointWriter,
    private readonly access: ApplicationAccess,
  ) {}

  @Post()
  @Requires('endpoints:write')
  @ApiResponse({ status: 201, standardSchema: endpointOut })
  async create(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: endpointIn }) body: EndpointIn,
    @Req() request: FastifyRequest,
  ): Promise<EndpointOut> {
    const application = await this.access.application(caller, app);
    return endpointView(await this.writer.create(application._id, body, creationId(request, 'ep')));
  }

  @Get()
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: listOf(endpointOut) })
  async list(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
  ): Promise<Page<EndpointOut>> {
    const application = await this.access.application(caller, app);
    return mapPage(await this.writer.list(application._id, query), endpointView);
  }

  @Get(':endpoint_id')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: endpointOut })
  async get(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<EndpointOut> {
    return endpointView(await this.access.endpoint(caller, app, endpoint));
  }

  @Put(':endpoint_id')
  @Requires('endpoints:write')
  @ApiResponse({ status: 200, standardSchema: endpointOut })
  @ApiResponse({ status: 201, standardSchema: endpointOut })
  async put(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointUpdate }) body: EndpointUpdate,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointOut> {
    const application = await this.access.application(caller, app);
    const { row, created } = await this.writer.put(application._id, endpoint, body);
    void reply.status(created ? 201 : 200);
    return endpointView(row);
  }

  @Patch(':endpoint_id')
  @Requires('endpoints:write')
  @ApiResponse({ status: 200, standardSchema: endpointOut })
  async patch(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: endpointPatch }) body: EndpointPatch,
  ): Promise<EndpointOut> {
    return endpointView(await this.writer.patch(await this.access.endpoint(caller, app, endpoint), body));
  }

  @Delete(':endpoint_id')
  @HttpCode(204)
  @Requires('endpoints:write')
  async delete(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
  ): Promise<void> {
    await this.writer.delete(await this.access.endpoint(caller, app, endpoint));
  }
}
