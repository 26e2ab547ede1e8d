import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { reference } from '../../../contracts/webhooks/names.js';
import {
  consumerName,
  consumerPollQuery,
  consumerSeekIn,
  consumerSeekOut,
  pollOut,
  pollQuery,
} from '../../../contracts/webhooks/poller.js';
import type {
  ConsumerPollQuery,
  ConsumerSeekIn,
  ConsumerSeekOut,
  PollOut,
  PollQuery,
} from '../../../contracts/webhooks/poller.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { Poller } from './poller.js';

@ApiTags('Message Poller')
@Controller('api/v1/app/:app_id/poller/:sink_id')
export class PollerController {
  constructor(private readonly poller: Poller) {}

  @Get()
  @Requires('pollers:read')
  @ApiResponse({ status: 200, standardSchema: pollOut })
  poll(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('sink_id', { schema: reference }) sink: string,
    @Query({ schema: pollQuery }) query: PollQuery,
  ): Promise<PollOut> {
    return this.poller.poll(caller, app, sink, query);
  }

  @Get('consumer/:consumer_id')
  @Requires('pollers:read')
  @ApiResponse({ status: 200, standardSchema: pollOut })
  consume(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('sink_id', { schema: reference }) sink: string,
    @Param('consumer_id', { schema: consumerName }) consumer: string,
    @Query({ schema: consumerPollQuery }) query: ConsumerPollQuery,
  ): Promise<PollOut> {
    return this.poller.consume(caller, app, sink, consumer, query);
  }

  @Post('consumer/:consumer_id/seek')
  @HttpCode(200)
  @Requires('pollers:read')
  @ApiResponse({ status: 200, standardSchema: consumerSeekOut })
  seek(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('sink_id', { schema: reference }) sink: string,
    @Param('consumer_id', { schema: consumerName }) consumer: string,
    @Body({ schema: consumerSeekIn }) body: ConsumerSeekIn,
  ): Promise<ConsumerSeekOut> {
    return this.poller.seek(caller, app, sink, consumer, body);
  }
}
