import { Controller, Get, HttpCode, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../platform/auth/auth.guard.js';
import { ProblemError } from '../../platform/errors.js';
import { registry } from '../../platform/metrics.js';
import { TemporalClient } from '../../platform/temporal.js';
import { DatabaseProbe } from '../../store/database-probe.js';

const CHECK_TIMEOUT_MS = 3_000;

/** For load balancers and monitors; no key needed. */
@ApiTags('Health')
@Public()
@Controller()
export class HealthController {
  constructor(
    private readonly database: DatabaseProbe,
    private readonly temporal: TemporalClient,
  ) {}

  /** The process answers. */
  @Get('healthz')
  alive(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** MongoDB and Temporal answer too. */
  @Get('readyz')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Record<string, string>> {
    const [mongodb, temporal] = await Promise.all([
      state(() => this.database.ping()),
      state(() => this.temporal.check()),
    ]);
    const ready = mongodb === 'ok' && temporal === 'ok';
    void reply.status(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'not ready', mongodb, temporal };
  }

  /** Whether messages are accepted. Accepting does not need Temporal, so Temporal being away is healthy here. */
  @Get('api/v1/health')
  @HttpCode(204)
  async accepting(): Promise<void> {
    if ((await state(() => this.database.ping())) === 'ok') return;
    throw new ProblemError('unavailable', 'The database does not answer.', {
      headers: { 'retry-after': '1' },
    });
  }

  @Get('api/v1/health/ping')
  @HttpCode(204)
  ping(): void {}

  @Get('metrics')
  async metrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    void reply.type(registry.contentType);
    return registry.metrics();
  }
}

async function state(check: () => Promise<unknown>): Promise<'ok' | 'no answer'> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'no answer'>((resolve) => {
    timer = setTimeout(() => resolve('no answer'), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([check().then(() => 'ok' as const), timeout]);
  } catch {
    return 'no answer';
  } finally {
    clearTimeout(timer);
  }
}
