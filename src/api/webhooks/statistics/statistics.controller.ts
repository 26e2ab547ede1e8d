import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { reference } from '../../../contracts/webhooks/names.js';
import {
  attemptStatsOut,
  attemptStatsQuery,
  endpointHealthOut,
  endpointHealthQuery,
  endpointStatsOut,
  endpointStatsQuery,
} from '../../../contracts/webhooks/statistics.js';
import type {
  AttemptStatsOut,
  AttemptStatsQuery,
  EndpointHealthOut,
  EndpointHealthQuery,
  EndpointStatsOut,
  EndpointStatsQuery,
} from '../../../contracts/webhooks/statistics.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { ApplicationAccess } from '../application-access.js';
import { EndpointHealthReport } from './endpoint-health.js';
import { StatisticsReader } from './statistics-reader.js';

@ApiTags('Statistics')
@Controller('api/v1/app/:app_id')
export class StatisticsController {
  constructor(
    private readonly reader: StatisticsReader,
    private readonly report: EndpointHealthReport,
    private readonly access: ApplicationAccess,
  ) {}

  @Get('endpoint/:endpoint_id/stats')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: endpointStatsOut })
  async endpoint(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Query({ schema: endpointStatsQuery }) query: EndpointStatsQuery,
  ): Promise<EndpointStatsOut> {
    return this.reader.ofEndpoint((await this.access.endpoint(caller, app, endpoint))._id, query);
  }

  @Get('endpoint/:endpoint_id/health')
  @Requires('endpoints:read')
  @ApiResponse({ status: 200, standardSchema: endpointHealthOut })
  async health(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Query({ schema: endpointHealthQuery }) query: EndpointHealthQuery,
  ): Promise<EndpointHealthOut> {
    return this.report.of(await this.access.endpoint(caller, app, endpoint), query);
  }

  @Get('stats/attempts')
  @Requires('attempts:read')
  @ApiResponse({ status: 200, standardSchema: attemptStatsOut })
  async attempts(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Query({ schema: attemptStatsQuery }) query: AttemptStatsQuery,
  ): Promise<AttemptStatsOut> {
    return this.reader.ofApplication((await this.access.application(caller, app))._id, query);
  }
}
