import { Body, Controller, Param, Post, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { attemptOut } from '../../../contracts/webhooks/attempt.js';
import type { AttemptOut } from '../../../contracts/webhooks/attempt.js';
import { messageIn } from '../../../contracts/webhooks/message.js';
import type { MessageIn } from '../../../contracts/webhooks/message.js';
import { reference } from '../../../contracts/webhooks/names.js';
import { Caller, Requires } from '../../../platform/auth/auth.guard.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import { KeepsOwnIdempotency } from '../../../platform/http/idempotency.interceptor.js';
import { ApplicationAccess } from '../application-access.js';
import { attemptView } from '../history/attempt.view.js';
import { TestAttempt } from './test-attempt.js';

@ApiTags('Message')
@Controller('api/v1/app/:app_id/endpoint/:endpoint_id/msg')
export class TestAttemptController {
  constructor(
    private readonly tests: TestAttempt,
    private readonly access: ApplicationAccess,
  ) {}

  /** Sends a message to this endpoint only, whatever its filters say, and answers with the attempt. */
  // Not for tokens that only send: the answer shows what the receiver says.
  @Post('test-attempt')
  @Requires('messages:write')
  @KeepsOwnIdempotency()
  @ApiResponse({ status: 201, standardSchema: attemptOut })
  async test(
    @Caller() caller: Principal,
    @Param('app_id', { schema: reference }) app: string,
    @Param('endpoint_id', { schema: reference }) endpoint: string,
    @Body({ schema: messageIn }) body: MessageIn,
    @Req() request: FastifyRequest,
  ): Promise<AttemptOut> {
    const row = await this.access.endpoint(caller, app, endpoint);
    const { attempt, message } = await this.tests.make(caller, row, body, request);
    return attemptView(attempt, true, message);
  }
}
