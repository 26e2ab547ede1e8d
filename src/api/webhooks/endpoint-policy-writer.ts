import { Inject, Injectable } from '@nestjs/common';
import type { EndpointPolicyIn, RateLimitStatusOut } from '../../contracts/webhooks/endpoint-policy.js';
import { homeLane } from '../../domain/webhooks/lane.js';
import type { Config } from '../../platform/config.js';
import { ProblemError } from '../../platform/errors.js';
import { CONFIG } from '../../platform/platform.module.js';
import { EndpointRepository } from '../../store/webhooks/endpoint.repository.js';
import type { EndpointRow } from '../../store/webhooks/endpoint.schema.js';
import { LaneBacklogRepository } from '../../store/webhooks/lane-backlog.repository.js';
import { LaneStarts } from './lane-starts.js';

/** A delivery that waits longer than this although it is due waits for the rate. */
const WAITS_MS = 1000;
const TRIES = 5;

/** Replaces the policy of an endpoint, and moves it to the lane that the policy wants. */
@Injectable()
export class EndpointPolicyWriter {
  constructor(
    private readonly endpoints: EndpointRepository,
    private readonly backlog: LaneBacklogRepository,
    private readonly laneStarts: LaneStarts,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @param read the endpoint as it is: again when it changed meanwhile */
  async replace(read: () => Promise<EndpointRow>, input: EndpointPolicyIn): Promise<EndpointRow> {
    const policy = {
      retrySchedule: input.retrySchedule ?? null,
      timeoutMs: input.timeoutMs ?? null,
      concurrency: input.concurrency ?? null,
      fifo: input.fifo ?? null,
      breaker: input.breaker ?? null,
      batch: input.batch ?? null,
    };
    const filter = input.filter == null ? null : JSON.stringify(input.filter);
    for (let tries = 0; tries < TRIES; tries++) {
      const row = await read();
      // A breaker that is open keeps the lane; when it closes, the lane follows the policy.
      const lane = row.circuit === undefined ? (policy.fifo === null ? null : row._id) : (row.lane ?? null);
      const changed = await this.endpoints.setPolicy(row, { policy, filter, lane });
      if (changed === null) continue;
      if (policy.fifo?.onExhausted !== 'hold') await this.backlog.endHeldOrders(row._id);
      if (changed.lane != null) await this.laneStarts.ensure(changed);
      return changed;
    }
    throw new ProblemError('conflict', 'The endpoint is being changed by others; try again.');
  }

  async rateLimitStatus(row: EndpointRow): Promise<RateLimitStatusOut> {
    if (row.throttleRate === null || row.circuit !== undefined) return { status: 'Ok' };
    const lane = homeLane(row, this.config.WEBHOOK_LANES);
    const since = await this.backlog.dueSince(row._id, lane, new Date(Date.now() - WAITS_MS));
    return since === null ? { status: 'Ok' } : { status: 'RateLimited', throttledSince: since.toISOString() };
  }
}
