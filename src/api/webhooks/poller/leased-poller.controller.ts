import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { reference } from '../../../contracts/webhooks/names.js';
import { consumerName } from '../../../contracts/webhooks/poller.js';
import { leaseCommitIn, leasedPollOut, leasedPollQuery } from '../../../contracts/webhooks/poller-lease.js';
import type {
  LeaseCommitIn,
  LeasedPollOut,
  LeasedPollQuery,
} from '../../../contracts/webhooks/poller-lease.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { LeasedPoller } from './leased-poller.js';

@ApiTags('Message Poller')
@Controller('api/v1/app/:app_id/polling-endpoint/:sink_id/consumer/:consumer_id')
export class LeasedPollerController {
  constructor(private readonly poller: LeasedPoller) {}

  @Get()
  @Requires('pollers:read')
  @ApiResponse({ status: 200, standardSchema: leasedPollOut })
  receive(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('sink_id', { schema: reference }) sink: string,
    @Param('consumer_id', { schema: consumerName }) consumer: string,
    @Query({ schema: leasedPollQuery }) query: LeasedPollQuery,
  ): Promise<LeasedPollOut> {
    return this.poller.receive(caller, { app, sink, consumer }, query);
  }

  @Post('commit')
  @HttpCode(204)
  @Requires('pollers:read')
  commit(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('sink_id', { schema: reference }) sink: string,
    @Param('consumer_id', { schema: consumerName }) consumer: string,
    @Body({ schema: leaseCommitIn }) { offset }: LeaseCommitIn,
  ): Promise<void> {
    return this.poller.commit(caller, { app, sink, consumer }, offset);
  }
}
