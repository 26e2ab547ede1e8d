import type { RecountResult } from '../../../contracts/webhooks/statistics-recount.js';
import { countForApplication, countForEndpoint } from '../../../domain/webhooks/statistics/attempt-counts.js';
import type { CountedAttempt, Counts } from '../../../domain/webhooks/statistics/attempt-counts.js';
import {
  bucketId,
  DAYS_KEPT_MS,
  HOURS_KEPT_MS,
  LEVEL_MS,
  MINUTES_KEPT_MS,
} from '../../../domain/webhooks/statistics/bucket.js';
import type { Level } from '../../../domain/webhooks/statistics/bucket.js';
import type { RecountSource } from '../../../store/webhooks/statistics/recount-source.repository.js';
import type { StatisticsRepository } from '../../../store/webhooks/statistics/statistics.repository.js';
import type { StatisticsRow } from '../../../store/webhooks/statistics/statistics.schema.js';

const LEVELS: Level[] = ['m', 'h', 'd'];
const KEPT_MS: Record<Level, number> = { m: MINUTES_KEPT_MS, h: HOURS_KEPT_MS, d: DAYS_KEPT_MS };
const APPLICATIONS_PER_READ = 100;

/** Called now and then with the application that is done, to go on behind it after a crash. */
export type Progress = (application: string) => void;

/** Counts attempts again and makes the statistics so. Running it twice changes nothing. */
export class Recount {
  constructor(
    private readonly source: RecountSource,
    private readonly statistics: StatisticsRepository,
  ) {}

  /**
   * @param dayMs the beginning of a day (UTC) whose attempts are all written
   * @param after the application to go on behind
   */
  async day(dayMs: number, after: string, progress: Progress): Promise<RecountResult> {
    const result: RecountResult = { attempts: 0, repaired: 0 };
    for (let application = after; ;) {
      const page = await this.source.applicationsAfter(application, APPLICATIONS_PER_READ);
      for (const app of page) {
        await this.#application(app, dayMs, result, () => progress(application));
        application = app;
        progress(application);
      }
      if (page.length < APPLICATIONS_PER_READ) return result;
    }
  }

  /** Removes buckets of levels that are no longer kept. @returns how many */
  async prune(nowMs: number, alive: () => void): Promise<number> {
    let removed = 0;
    for (const level of LEVELS) {
      removed += await this.statistics.prune(level, nowMs - KEPT_MS[level] - LEVEL_MS[level], alive);
    }
    return removed;
  }

  async #application(app: string, dayMs: number, result: RecountResult, alive: () => void): Promise<void> {
    const ofApplication: Counted = new Map();
    for (const ep of await this.source.endpointsOf(app)) {
      const ofEndpoint: Counted = new Map();
      for await (const attempts of this.source.attempts(ep, dayMs, dayMs + LEVEL_MS.d)) {
        for (const attempt of attempts) {
          count(ofEndpoint, ep, attempt, countForEndpoint);
          count(ofApplication, app, attempt, countForApplication);
        }
        result.attempts += attempts.length;
        alive();
      }
      result.repaired += await this.#repair(ep, dayMs, ofEndpoint);
    }
    result.repaired += await this.#repair(app, dayMs, ofApplication);
  }

  async #repair(subject: string, dayMs: number, counted: Counted): Promise<number> {
    let repaired = 0;
    for (const level of LEVELS) {
      const range = { level, fromMs: dayMs, toMs: dayMs + LEVEL_MS.d };
      const prefix = `${subject}:${level}:`;
      const rows = [...counted].filter(([id]) => id.startsWith(prefix));
      const wanted = new Map(rows.map(([id, counts]) => [id, rowOf(id, counts)]));
      repaired += await this.statistics.repair(subject, range, wanted);
    }
    return repaired;
  }
}

type Counted = Map<string, Counts>;

function count(
  counted: Counted,
  subject: string,
  attempt: CountedAttempt & { at: Date },
  countFor: (counts: Counts, attempt: CountedAttempt) => void,
): void {
  for (const level of LEVELS) {
    const id = bucketId(subject, level, attempt.at.getTime());
    const counts = counted.get(id) ?? new Map<string, number>();
    counted.set(id, counts);
    countFor(counts, attempt);
  }
}

/** The document that increments of these paths make. */
function rowOf(id: string, counts: Counts): StatisticsRow {
  const row: Record<string, unknown> = { _id: id };
  for (const [path, value] of counts) {
    const steps = path.split('.');
    const last = steps.pop()!;
    let inner = row;
    for (const step of steps) inner = (inner[step] ??= {}) as Record<string, unknown>;
    inner[last] = value;
  }
  return row as unknown as StatisticsRow;
}
