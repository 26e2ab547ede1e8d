import { Controller, Get, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  activeAppOut,
  activeAppQuery,
  endpointCountOut,
  endpointCountQuery,
} from '../../../contracts/webhooks/endpoint-count.js';
import type {
  ActiveAppOut,
  ActiveAppQuery,
  EndpointCountOut,
  EndpointCountQuery,
} from '../../../contracts/webhooks/endpoint-count.js';
import { AllApplications, Requires } from '../../../platform/auth/auth.guard.js';
import { EndpointCountRepository } from '../../../store/webhooks/statistics/endpoint-count.repository.js';

@ApiTags('Statistics')
@Controller('api/v1')
export class EndpointCountController {
  constructor(private readonly counts: EndpointCountRepository) {}

  @Get('stats/endpoint/count')
  @Requires('endpoints:read')
  @AllApplications()
  @ApiResponse({ status: 200, standardSchema: endpointCountOut })
  endpoints(@Query({ schema: endpointCountQuery }) query: EndpointCountQuery): Promise<EndpointCountOut> {
    return this.counts.endpoints(query);
  }

  @Get('app/stats/count-active')
  @Requires('applications:read')
  @AllApplications()
  @ApiResponse({ status: 200, standardSchema: activeAppOut })
  async activeApps(@Query({ schema: activeAppQuery }) query: ActiveAppQuery): Promise<ActiveAppOut> {
    return { count: await this.counts.activeApps(query) };
  }
}
