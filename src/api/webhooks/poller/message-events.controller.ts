import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { reference } from '../../../contracts/webhooks/names.js';
import { messageEventsQuery, pollOut } from '../../../contracts/webhooks/poller.js';
import type { MessageEventsQuery, PollOut } from '../../../contracts/webhooks/poller.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { ApplicationAccess } from '../application-access.js';
import { idAfter, later, Poller } from './poller.js';

@ApiTags('Message')
@Controller('api/v1/app/:app_id/events')
export class MessageEventsController {
  constructor(
    private readonly poller: Poller,
    private readonly access: ApplicationAccess,
  ) {}

  /** The messages of an application in the order of their accept, as they come; the caller keeps the position. */
  @Get()
  @Requires('messages:read')
  @ApiResponse({ status: 200, standardSchema: pollOut })
  async events(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Query({ schema: messageEventsQuery }) query: MessageEventsQuery,
  ): Promise<PollOut> {
    const { _id, createdAt, rev } = await this.access.application(caller, app);
    const wanted = { eventTypes: query.event_types ?? null, channels: query.channels ?? null, filter: null };
    const from = idAfter(query.after ?? new Date(createdAt.getTime() - 1));
    const after = later(query.iterator, from);
    return this.poller.read(
      { _id, app: _id, rev, disabled: false, ...wanted },
      { after, limit: query.limit },
    );
  }
}
