import { Inject, Injectable } from '@nestjs/common';
import { OPEN_STATES } from '../../../contracts/webhooks/delivery.js';
import { bucketMs, windowOf } from '../../../contracts/webhooks/statistics.js';
import type { EndpointHealthOut, EndpointHealthQuery } from '../../../contracts/webhooks/statistics.js';
import { BucketSum } from '../../../domain/webhooks/statistics/bucket-sum.js';
import { bucketRanges, bucketStartMs } from '../../../domain/webhooks/statistics/bucket.js';
import type { Level } from '../../../domain/webhooks/statistics/bucket.js';
import { HEALTH_WINDOW_MS, healthState } from '../../../domain/webhooks/statistics/health-state.js';
import type { Config } from '../../../platform/config.js';
import { CONFIG } from '../../../platform/platform.module.js';
import type { AttemptRow } from '../../../store/webhooks/attempt.schema.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import { AttemptListRepository } from '../../../store/webhooks/lists/attempt-list.repository.js';
import { DeliveryListRepository } from '../../../store/webhooks/lists/delivery-list.repository.js';
import { StatisticsRepository } from '../../../store/webhooks/statistics/statistics.repository.js';
import type { StatisticsRow } from '../../../store/webhooks/statistics/statistics.schema.js';

const DAY_MS = 86_400_000;
const LEVEL: Record<EndpointHealthQuery['bucket'], Level> = { '1m': 'm', '1h': 'h', '1d': 'd' };

/** How an endpoint fares: its state now, its numbers in a window, in buckets. */
@Injectable()
export class EndpointHealthReport {
  constructor(
    private readonly statistics: StatisticsRepository,
    private readonly deliveries: DeliveryListRepository,
    private readonly attempts: AttemptListRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'WEBHOOK_DISABLE_AFTER_DAYS'>,
  ) {}

  async of(endpoint: EndpointRow, query: EndpointHealthQuery, now = new Date()): Promise<EndpointHealthOut> {
    const { since, until } = windowOf(query, now);
    const ranges = bucketRanges(since.getTime(), until.getTime(), now.getTime(), LEVEL[query.bucket]);
    const [rows, recent, waiting, oldest, success, failure] = await Promise.all([
      this.statistics.read(endpoint._id, ranges),
      this.#recent(endpoint._id, now.getTime()),
      this.deliveries.count(endpoint._id, OPEN_STATES),
      this.deliveries.oldestWaiting(endpoint._id),
      this.attempts.latest(endpoint._id, true),
      this.attempts.latest(endpoint._id, false),
    ]);
    const buckets = bucketed(rows, bucketMs(query.bucket));
    const { total } = BucketSum.total(buckets.map(({ sum }) => sum));
    const breaker = endpoint.circuit?.state ?? 'closed';
    const { disabled, failingSince } = endpoint;
    return {
      state: healthState({ disabled, breakerOpen: breaker === 'open' }, recent),
      successRate: total.attempts === 0 ? null : (total.classes['2xx'] ?? 0) / total.attempts,
      p50: total.tryMs?.p50 ?? null,
      p95: total.tryMs?.p95 ?? null,
      p99: total.tryMs?.p99 ?? null,
      waiting: waiting.count,
      waitingApproximated: waiting.approximated,
      oldestWaitingSec: oldest === null ? null : Math.max(0, (now.getTime() - oldest.getTime()) / 1000),
      breaker,
      failingSince: failingSince?.toISOString() ?? null,
      disableAt: disabled ? null : this.#disableAt(failingSince),
      lastSuccess: success?.at.toISOString() ?? null,
      lastError: failure === null ? null : faultOf(failure),
      since: since.toISOString(),
      until: until.toISOString(),
      total,
      buckets: buckets.map(({ atMs, sum }) => ({ at: new Date(atMs).toISOString(), ...sum.total })),
    };
  }

  #disableAt(since: Date | null): string | null {
    const { WEBHOOK_DISABLE_AFTER_DAYS: days } = this.config;
    return since === null || days === 0 ? null : new Date(since.getTime() + days * DAY_MS).toISOString();
  }

  async #recent(ep: string, nowMs: number) {
    const ranges = bucketRanges(nowMs - HEALTH_WINDOW_MS, nowMs, nowMs, 'm');
    const { attempts, classes } = BucketSum.of(await this.statistics.read(ep, ranges, ['n', 'c'])).total;
    return { attempts, ok: classes['2xx'] ?? 0 };
  }
}

const faultOf = ({ _id, at, code, why, errorCode }: AttemptRow) => ({
  attemptId: _id,
  at: at.toISOString(),
  statusCode: code,
  why: why ?? errorCode ?? `http_${code}`,
});

/** Oldest first. */
function bucketed(rows: readonly StatisticsRow[], stepMs: number): { atMs: number; sum: BucketSum }[] {
  const startOf = ({ _id }: StatisticsRow) => {
    const level = _id.split(':')[1] as Level;
    return Math.floor(bucketStartMs(_id, level) / stepMs) * stepMs;
  };
  return [...Map.groupBy(rows, startOf)]
    .sort(([a], [b]) => a - b)
    .map(([atMs, group]) => ({ atMs, sum: BucketSum.of(group) }));
}
