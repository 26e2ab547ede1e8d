import { Controller, Get, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { OPERATIONAL_APP } from '../../../contracts/webhooks/operational-event.js';
import { messageEventsQuery, pollOut } from '../../../contracts/webhooks/poller.js';
import type { MessageEventsQuery, PollOut } from '../../../contracts/webhooks/poller.js';
import { AllApplications, Requires } from '../../../platform/auth/auth.guard.js';
import { idAfter, later, Poller } from '../poller/poller.js';

@ApiTags('Operational webhook endpoint')
@AllApplications()
@Controller('api/v1/events')
export class OperationalEventsController {
  constructor(private readonly poller: Poller) {}

  /** Operational events in the order in which they were kept, whether or not an endpoint hears them; the caller keeps the position. */
  @Get()
  @Requires('messages:read')
  @ApiResponse({ status: 200, standardSchema: pollOut })
  async events(@Query({ schema: messageEventsQuery }) query: MessageEventsQuery): Promise<PollOut> {
    const wanted = { eventTypes: query.event_types ?? null, channels: query.channels ?? null, filter: null };
    const after = later(query.iterator, query.after === undefined ? FIRST : idAfter(query.after));
    return this.poller.read(
      { _id: OPERATIONAL_APP, app: OPERATIONAL_APP, rev: 0, disabled: false, ...wanted },
      { after, limit: query.limit },
    );
  }
}

/** Sorts before every message. */
const FIRST = `msg_${'0'.repeat(27)}`;
