import { Injectable } from '@nestjs/common';
import { periodMs, seriesWindow } from '../../../contracts/webhooks/attempt-series.js';
import type { AttemptSeriesOut, AttemptSeriesQuery } from '../../../contracts/webhooks/attempt-series.js';
import { typeOfKey } from '../../../domain/webhooks/statistics/attempt-counts.js';
import { bucketRanges, bucketStartMs } from '../../../domain/webhooks/statistics/bucket.js';
import type { Level } from '../../../domain/webhooks/statistics/bucket.js';
import { StatisticsRepository } from '../../../store/webhooks/statistics/statistics.repository.js';

const LEVEL = { FiveMinutes: 'm', OneHour: 'h', OneDay: 'd' } as const;

/** Tries of an application over time. */
@Injectable()
export class AttemptSeries {
  constructor(private readonly statistics: StatisticsRepository) {}

  async of(app: string, query: AttemptSeriesQuery, now = new Date()): Promise<AttemptSeriesOut> {
    const { period, event_types: types } = query;
    const stepMs = periodMs(period);
    const { from, to } = seriesWindow(query, now);
    const fromMs = Math.floor(from.getTime() / stepMs) * stepMs;
    const points = Math.ceil((to.getTime() - fromMs) / stepMs);
    const [successCount, failureCount, canceledCount] = [zeros(points), zeros(points), zeros(points)];
    const ranges = bucketRanges(fromMs, to.getTime(), now.getTime(), LEVEL[period]);
    const wanted = types === undefined ? null : new Set(types);
    for (const { _id, y = {} } of await this.statistics.read(app, ranges, ['y'])) {
      const at = Math.floor((bucketStartMs(_id, _id.split(':')[1] as Level) - fromMs) / stepMs);
      for (const [key, counts] of Object.entries(y)) {
        if (at >= points || wanted?.has(typeOfKey(key)) === false) continue;
        successCount[at]! += counts.delivered ?? 0;
        failureCount[at]! += counts.failed ?? 0;
        canceledCount[at]! += counts.canceled ?? 0;
      }
    }
    const data = { successCount, failureCount, canceledCount };
    return { startDate: new Date(fromMs).toISOString(), endDate: to.toISOString(), period, data };
  }
}

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
