import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { secretOut } from '../../../contracts/webhooks/endpoint.js';
import {
  inboundEventOut,
  inboundReceipt,
  inboundSourceIn,
  inboundSourceOut,
  inboundSourcePatch,
  sourceName,
} from '../../../contracts/webhooks/inbound.js';
import type {
  InboundEventOut,
  InboundReceipt,
  InboundSourceIn,
  InboundSourceOut,
  InboundSourcePatch,
} from '../../../contracts/webhooks/inbound.js';
import { listOf, pageQuery } from '../../../contracts/webhooks/page.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { AllApplications, Caller, Public, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { KeepsOwnIdempotency } from '../../../platform/http/idempotency.interceptor.js';
import { mapPage } from '../../../store/page.js';
import { InboundRepository } from '../../../store/webhooks/inbound/inbound.repository.js';
import { inboundEventView, InboundIngest } from './inbound-ingest.js';
import { InboundSources, sourceView } from './inbound-sources.js';

const listQuery = pageQuery('in');
const sourceList = z.object({ data: z.array(inboundSourceOut) });

/** Webhooks that others send to us, and who may. */
@ApiTags('Inbound')
@AllApplications()
@Controller('api/v1/inbound')
export class InboundController {
  constructor(
    private readonly sources: InboundSources,
    private readonly ingest: InboundIngest,
    private readonly rows: InboundRepository,
  ) {}

  /** The signature is the sender's key. */
  @Post(':source')
  @HttpCode(200)
  @Public()
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 200, standardSchema: inboundReceipt })
  receive(
    @Param('source', { schema: sourceName }) source: string,
    @Req() request: FastifyRequest,
  ): Promise<InboundReceipt> {
    return this.ingest.receive(source, request);
  }

  @Post()
  @Requires('endpoints:write')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 201, standardSchema: inboundSourceOut })
  async create(
    @Caller() caller: Principal,
    @Body({ schema: inboundSourceIn }) body: InboundSourceIn,
  ): Promise<InboundSourceOut> {
    return sourceView(await this.sources.create(caller, body));
  }

  @Get()
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: sourceList })
  async list(): Promise<z.infer<typeof sourceList>> {
    return { data: (await this.sources.list()).map(sourceView) };
  }

  @Get(':source')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: inboundSourceOut })
  async get(@Param('source', { schema: sourceName }) source: string): Promise<InboundSourceOut> {
    return sourceView(await this.sources.find(source));
  }

  @Get(':source/secret')
  @Requires('secrets:read')
  @ApiResponse({ status: 200, standardSchema: secretOut })
  async secret(@Param('source', { schema: sourceName }) source: string): Promise<z.infer<typeof secretOut>> {
    return { key: this.sources.verifying(await this.sources.find(source))[0] ?? '' };
  }

  @Patch(':source')
  @Requires('endpoints:write')
  @ApiResponse({ status: 200, standardSchema: inboundSourceOut })
  async patch(
    @Caller() caller: Principal,
    @Param('source', { schema: sourceName }) source: string,
    @Body({ schema: inboundSourcePatch }) body: InboundSourcePatch,
  ): Promise<InboundSourceOut> {
    return sourceView(await this.sources.patch(caller, source, body));
  }

  @Delete(':source')
  @HttpCode(204)
  @Requires('endpoints:write')
  async delete(@Param('source', { schema: sourceName }) source: string): Promise<void> {
    await this.sources.delete(source);
  }

  @Get(':source/event')
  @Requires('messages:read')
  @ApiResponse({ status: 200, standardSchema: listOf(inboundEventOut) })
  async events(
    @Param('source', { schema: sourceName }) source: string,
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
  ): Promise<Page<InboundEventOut>> {
    const { _id: id } = await this.sources.find(source);
    return mapPage(await this.rows.list(id, query), inboundEventView);
  }
}
