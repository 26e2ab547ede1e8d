import { Injectable } from '@nestjs/common';
import { windowOf } from '../../../contracts/webhooks/statistics.js';
import type {
  AttemptStatsOut,
  AttemptStatsQuery,
  EndpointStatsOut,
  EndpointStatsQuery,
} from '../../../contracts/webhooks/statistics.js';
import { OPEN_STATES } from '../../../contracts/webhooks/delivery.js';
import { typeOfKey } from '../../../domain/webhooks/statistics/attempt-counts.js';
import { BucketSum } from '../../../domain/webhooks/statistics/bucket-sum.js';
import { bucketRanges } from '../../../domain/webhooks/statistics/bucket.js';
import { DeliveryListRepository } from '../../../store/webhooks/lists/delivery-list.repository.js';
import { StatisticsRepository } from '../../../store/webhooks/statistics/statistics.repository.js';

/** Statistics in the shapes of the compatible API. */
@Injectable()
export class StatisticsReader {
  constructor(
    private readonly statistics: StatisticsRepository,
    private readonly deliveries: DeliveryListRepository,
  ) {}

  /**
   * Deliveries of an endpoint by how they stand: those that were taken or exhausted in the window, and of the messages
   * accepted in it those that wait or were canceled.
   */
  async ofEndpoint(ep: string, query: EndpointStatsQuery, now = new Date()): Promise<EndpointStatsOut> {
    const window = windowOf(query, now);
    const [rows, pending, canceled] = await Promise.all([
      this.statistics.read(ep, rangesOf(window, now), ['delivered', 'exhausted']),
      this.deliveries.count(ep, OPEN_STATES, window),
      this.deliveries.count(ep, ['canceled'], window),
    ]);
    const { delivered, exhausted } = BucketSum.of(rows).total;
    const approximated = pending.approximated || canceled.approximated;
    return {
      ...{ success: delivered, pending: pending.count, sending: 0, fail: exhausted },
      ...{ canceled: canceled.count, approximated },
    };
  }

  /** Tries of an application by event type. */
  async ofApplication(app: string, query: AttemptStatsQuery, now = new Date()): Promise<AttemptStatsOut> {
    const { since, until } = windowOf(query, now);
    const wanted = query.event_types === undefined ? null : new Set(query.event_types);
    const byType: AttemptStatsOut['by_event_type'] = {};
    const total = { success: 0, failure: 0, canceled: 0 };
    for (const row of await this.statistics.read(app, rangesOf({ since, until }, now), ['y'])) {
      for (const [key, counts] of Object.entries(row.y ?? {})) {
        const type = typeOfKey(key);
        if (wanted !== null && !wanted.has(type)) continue;
        const ofType = (byType[type] ??= { success: 0, failure: 0, canceled: 0 });
        for (const sum of [ofType, total]) {
          sum.success += counts.delivered ?? 0;
          sum.failure += counts.failed ?? 0;
          sum.canceled += counts.canceled ?? 0;
        }
      }
    }
    return {
      by_event_type: byType,
      total_success: total.success,
      total_failure: total.failure,
      total_canceled: total.canceled,
      since: since.toISOString(),
      until: until.toISOString(),
    };
  }
}

const rangesOf = ({ since, until }: { since: Date; until: Date }, now: Date) =>
  bucketRanges(since.getTime(), until.getTime(), now.getTime());
