import { Body, Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiConsumes, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { batchIn, batchOut } from '../../../contracts/webhooks/message-batch.js';
import type { BatchIn, BatchOut } from '../../../contracts/webhooks/message-batch.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { BatchIngest } from './batch-ingest.js';

@ApiTags('Message')
@Controller('api/v1/app/:app_id/msg/batch')
export class BatchController {
  constructor(private readonly ingest: BatchIngest) {}

  @Post()
  @HttpCode(202)
  @Requires('messages:create')
  @ApiConsumes('application/json', 'application/x-ndjson')
  @ApiResponse({ status: 202, standardSchema: batchOut })
  create(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Body({ schema: batchIn }) body: BatchIn,
    @Req() request: FastifyRequest,
  ): Promise<BatchOut> {
    return this.ingest.accept(caller, app, body, request);
  }
}
