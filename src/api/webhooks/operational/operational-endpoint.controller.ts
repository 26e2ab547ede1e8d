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
import { endpointOut } from '../../../contracts/webhooks/endpoint.js';
import type { EndpointOut } from '../../../contracts/webhooks/endpoint.js';
import { reference } from '../../../contracts/webhooks/names.js';
import {
  operationalEndpointIn,
  operationalEndpointPatch,
  operationalEndpointUpdate,
} from '../../../contracts/webhooks/operational-event.js';
import type {
  OperationalEndpointIn,
  OperationalEndpointPatch,
  OperationalEndpointUpdate,
} from '../../../contracts/webhooks/operational-event.js';
import { listOf, ordering, pageQuery } from '../../../contracts/webhooks/page.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { AllApplications, Requires } from '../../../platform/auth/auth.guard.js';
import { creationId } from '../../../platform/http/idempotency.interceptor.js';
import { mapPage } from '../../../store/page.js';
import { EndpointWriter } from '../endpoint-writer.js';
import { endpointView } from '../endpoint.view.js';
import { OperationalEndpoints } from './operational-endpoints.js';

const listQuery = pageQuery('ep').extend({ order: ordering.default('descending') });

/** URLs that hear of endpoints and deliveries of every application. */
@ApiTags('Operational webhook endpoint')
@AllApplications()
@Controller('api/v1/operational-webhook/endpoint')
export class OperationalEndpointController {
  constructor(
    private readonly operational: OperationalEndpoints,
    private readonly writer: EndpointWriter,
  ) {}

  @Post()
  @Requires('endpoints:write')
  @ApiResponse({ status: 201, standardSchema: endpointOut })
  async create(
    @Body({ schema: operationalEndpointIn }) body: OperationalEndpointIn,
    @Req() request: FastifyRequest,
  ): Promise<EndpointOut> {
    return endpointView(await this.operational.create(body, creationId(request, 'ep')));
  }

  @Get()
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: listOf(endpointOut) })
  async list(@Query({ schema: listQuery }) query: z.infer<typeof listQuery>): Promise<Page<EndpointOut>> {
    return mapPage(await this.operational.list(query), endpointView);
  }

  @Get(':endpoint_id')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: endpointOut })
  async get(@Param('endpoint_id', { schema: reference }) endpoint: string): Promise<EndpointOut> {
    return endpointView(await this.operational.find(endpoint));
  }

  @Put(':endpoint_id')
  @Requires('endpoints:write')
  @ApiResponse({ status: 200, standardSchema: endpointOut })
  @ApiResponse({ status: 201, standardSchema: endpointOut })
  async put(
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: operationalEndpointUpdate }) body: OperationalEndpointUpdate,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointOut> {
    const { row, created } = await this.operational.put(endpoint, body);
    void reply.status(created ? 201 : 200);
    return endpointView(row);
  }

  @Patch(':endpoint_id')
  @Requires('endpoints:write')
  @ApiResponse({ status: 200, standardSchema: endpointOut })
  async patch(
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: operationalEndpointPatch }) body: OperationalEndpointPatch,
  ): Promise<EndpointOut> {
    return endpointView(await this.writer.patch(await this.operational.find(endpoint), body));
  }

  @Delete(':endpoint_id')
  @HttpCode(204)
  @Requires('endpoints:write')
  async delete(@Param('endpoint_id', { schema: reference }) endpoint: string): Promise<void> {
    await this.writer.delete(await this.operational.find(endpoint));
  }
}
