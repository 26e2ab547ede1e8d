import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { attemptSeriesOut, attemptSeriesQuery } from '../../../contracts/webhooks/attempt-series.js';
import type { AttemptSeriesOut, AttemptSeriesQuery } from '../../../contracts/webhooks/attempt-series.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { ApplicationAccess } from '../application-access.js';
import { AttemptSeries } from './attempt-series.js';

@ApiTags('Statistics')
@Controller('api/v1/stats/app/:app_id')
export class AttemptSeriesController {
  constructor(
    private readonly series: AttemptSeries,
    private readonly access: ApplicationAccess,
  ) {}

  @Get('attempt')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: attemptSeriesOut })
  async attempts(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Query({ schema: attemptSeriesQuery }) query: AttemptSeriesQuery,
  ): Promise<AttemptSeriesOut> {
    return this.series.of((await this.access.application(caller, app))._id, query);
  }
}
