import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { reference } from '../../../contracts/webhooks/names.js';
import { listOf } from '../../../contracts/webhooks/page.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { skippedEndpointOut, skippedEndpointsQuery } from '../../../contracts/webhooks/skipped-endpoint.js';
import type {
  SkippedEndpointOut,
  SkippedEndpointsQuery,
} from '../../../contracts/webhooks/skipped-endpoint.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { SkippedEndpoints } from './skipped-endpoints.js';

@ApiTags('Message')
@Controller('api/v1/app/:app_id/msg/:msg_id/skipped')
export class SkippedEndpointController {
  constructor(private readonly skipped: SkippedEndpoints) {}

  @Get()
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: listOf(skippedEndpointOut) })
  async list(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('msg_id', { schema: reference }) msg: string,
    @Query({ schema: skippedEndpointsQuery }) query: SkippedEndpointsQuery,
  ): Promise<Page<SkippedEndpointOut>> {
    return this.skipped.ofMessage(caller, app, msg, query);
  }
}
