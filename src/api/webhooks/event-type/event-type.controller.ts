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
import type { z } from 'zod';
import {
  eventTypeDeleteQuery,
  eventTypeIn,
  eventTypeListQuery,
  eventTypeOut,
  eventTypePatch,
  eventTypeUpsert,
  openApiImportIn,
  openApiImportOut,
  retryScheduleInOut,
} from '../../../contracts/webhooks/event-type.js';
import type {
  EventTypeIn,
  EventTypeListQuery,
  EventTypeOut,
  EventTypePatch,
  EventTypeUpsert,
  OpenApiImportIn,
  OpenApiImportOut,
  RetryScheduleInOut,
} from '../../../contracts/webhooks/event-type.js';
import { eventTypeName } from '../../../contracts/webhooks/names.js';
import { listOf } from '../../../contracts/webhooks/page.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { AllApplications, Requires } from '../../../platform/auth/auth.guard.js';
import { creationId } from '../../../platform/http/idempotency.interceptor.js';
import { mapPage } from '../../../store/page.js';
import { EventTypeRepository } from '../../../store/webhooks/event-type/event-type.repository.js';
import { EventTypeWriter } from './event-type-writer.js';
import { OpenApiImport } from './openapi-import.js';
import { eventTypeView, retryScheduleSeconds, retryScheduleView } from './event-type.view.js';

@ApiTags('Event type')
@Controller('api/v1/event-type')
export class EventTypeController {
  constructor(
    private readonly types: EventTypeRepository,
    private readonly writer: EventTypeWriter,
    private readonly openApi: OpenApiImport,
  ) {}

  @Get()
  @Requires('event-types:read')
  @ApiResponse({ status: 200, standardSchema: listOf(eventTypeOut) })
  async list(@Query({ schema: eventTypeListQuery }) query: EventTypeListQuery): Promise<Page<EventTypeOut>> {
    return mapPage(await this.types.list(query), (row) => eventTypeView(row, query.with_content));
  }

  @Post()
  @Requires('event-types:write')
  @AllApplications()
  @ApiResponse({ status: 201, standardSchema: eventTypeOut })
  async create(
    @Body({ schema: eventTypeIn }) body: EventTypeIn,
    @Req() request: FastifyRequest,
  ): Promise<EventTypeOut> {
    return eventTypeView(await this.writer.create(body, creationId(request, 'req')));
  }

  @Post('import/openapi')
  @HttpCode(200)
  @Requires('event-types:write')
  @AllApplications()
  @ApiResponse({ status: 200, standardSchema: openApiImportOut })
  importOpenApi(@Body({ schema: openApiImportIn }) body: OpenApiImportIn): Promise<OpenApiImportOut> {
    return this.openApi.import(body);
  }

  @Get(':event_type_name')
  @Requires('event-types:read')
  @ApiResponse({ status: 200, standardSchema: eventTypeOut })
  async get(@Param('event_type_name', { schema: eventTypeName }) name: string): Promise<EventTypeOut> {
    return eventTypeView(await this.writer.get(name));
  }

  @Put(':event_type_name')
  @Requires('event-types:write')
  @AllApplications()
  @ApiResponse({ status: 200, standardSchema: eventTypeOut })
  @ApiResponse({ status: 201, standardSchema: eventTypeOut })
  async put(
    @Param('event_type_name', { schema: eventTypeIn.shape.name }) name: string,
    @Body({ schema: eventTypeUpsert }) body: EventTypeUpsert,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EventTypeOut> {
    const { row, created } = await this.writer.put(name, body);
    if (created) void reply.status(201);
    return eventTypeView(row);
  }

  @Patch(':event_type_name')
  @Requires('event-types:write')
  @AllApplications()
  @ApiResponse({ status: 200, standardSchema: eventTypeOut })
  async patch(
    @Param('event_type_name', { schema: eventTypeName }) name: string,
    @Body({ schema: eventTypePatch }) body: EventTypePatch,
  ): Promise<EventTypeOut> {
    return eventTypeView(await this.writer.patch(name, body));
  }

  @Delete(':event_type_name')
  @HttpCode(204)
  @Requires('event-types:write')
  @AllApplications()
  delete(
    @Param('event_type_name', { schema: eventTypeName }) name: string,
    @Query({ schema: eventTypeDeleteQuery }) query: z.infer<typeof eventTypeDeleteQuery>,
  ): Promise<void> {
    return this.writer.delete(name, query.expunge);
  }

  @Get(':event_type_name/retry-schedule')
  @Requires('event-types:read')
  @ApiResponse({ status: 200, standardSchema: retryScheduleInOut })
  async getSchedule(
    @Param('event_type_name', { schema: eventTypeName }) name: string,
  ): Promise<RetryScheduleInOut> {
    return retryScheduleView(await this.writer.get(name));
  }

  @Put(':event_type_name/retry-schedule')
  @Requires('event-types:write')
  @AllApplications()
  @ApiResponse({ status: 200, standardSchema: retryScheduleInOut })
  async putSchedule(
    @Param('event_type_name', { schema: eventTypeName }) name: string,
    @Body({ schema: retryScheduleInOut }) body: RetryScheduleInOut,
  ): Promise<RetryScheduleInOut> {
    return retryScheduleView(await this.writer.setRetrySchedule(name, retryScheduleSeconds(body)));
  }
}
