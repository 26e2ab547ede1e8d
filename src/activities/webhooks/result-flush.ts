import type { Logger } from 'pino';
import { crashPoint } from '../../platform/crash-point.js';
import { GroupCommit } from '../../platform/group-commit.js';
import { webhookMetrics } from '../../platform/metrics.js';
import type { AttemptRepository } from '../../store/webhooks/attempt.repository.js';
import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';
import type { OutboxBell } from '../../store/webhooks/operational/outbox-bell.js';
import type { DeliveryOutcome } from './delivery-outcome.js';
import type { EndpointHealth } from './endpoint-health.js';
import type { AttemptStatistics } from './statistics/attempt-statistics.js';

const MAX_ROWS = 256;
/** Between two groups: nobody waits for a result, and two writes a group cost the same for one row as for ten. */
const SPACING_MS = 10;
const RETRY_MS = { first: 100, max: 2000 };

/** Whether a result was written, or the row had moved on in somebody else's hands. */
export type Flushed = 'written' | 'late';

export interface ResultFlushOptions {
  deliveries: DeliveryRepository;
  attempts: AttemptRepository;
  health: EndpointHealth;
  /** Rung when results have something to tell. */
  bell: OutboxBell;
  statistics: AttemptStatistics;
  log: Logger;
  /** Fires when results can no longer be written usefully: the process must end. */
  giveUp: AbortSignal;
}

/**
 * Writes results in groups: attempts first, then the deliveries with compare-and-set. One group is on its way at a
 * time and the next fills meanwhile; a lone result goes at once, a stream of them every 10 ms or 256 rows.
 */
export class ResultFlush {
  readonly #commit: GroupCommit<DeliveryOutcome, Flushed>;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: ResultFlushOptions) {
    this.#commit = new GroupCommit({ maxItems: MAX_ROWS, flush: (group) => this.#untilWritten(group) });
  }

  /** Resolves when the result is stored. @throws when it had to be given up */
  add(outcome: DeliveryOutcome): Promise<Flushed> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => void this.#commit.add(outcome).then(resolve, reject));
      if (this.#waiting.length >= MAX_ROWS) this.#release();
      this.#timer ??= setTimeout(
        () => this.#release(),
        Math.max(this.#lastMs + SPACING_MS - performance.now(), 0),
      );
    });
  }

  #release(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#lastMs = performance.now();
    for (const commit of this.#waiting.splice(0)) commit();
  }

  // Every step may be repeated: attempt ids are fixed, and a delivery that shows the change is taken as written.
  async #untilWritten(group: DeliveryOutcome[]): Promise<Flushed[]> {
    for (let waitMs = RETRY_MS.first; ; waitMs = Math.min(waitMs * 2, RETRY_MS.max)) {
      try {
        return await this.#write(group);
      } catch (error) {
        this.options.giveUp.throwIfAborted();
        this.options.log.warn({ err: error, rows: group.length }, 'results not written yet, trying again');
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #write(group: DeliveryOutcome[]): Promise<Flushed[]> {
    const { deliveries, attempts, health } = this.options;
    const durable = group.some((outcome) => outcome.durable);
    const tried = group.filter((outcome) => outcome.attempt !== null);
    await attempts.insert(
      tried.map((outcome) => outcome.attempt!),
      durable,
    );
    if (tried.length > 0) crashPoint('attempts_stored');
    for (const { change, attempt } of tried) change.set.n = attempt!.n;
    const late = await deliveries.write(
      group.map((outcome) => outcome.change),
      durable,
    );
    if (group.some(({ change }) => change.event !== undefined)) this.options.bell.ring();
    webhookMetrics.flushRows.observe({ kind: 'result' }, group.length);
    if (late.size > 0) await this.#markLate(tried.filter(({ row }) => late.has(row._id)));
    await health.apply(group);
    this.options.statistics.count(tried.map(({ attempt }) => attempt!));
    return group.map(({ row }) => (late.has(row._id) ? 'late' : 'written'));
  }

  async #markLate(outcomes: DeliveryOutcome[]): Promise<void> {
    webhookMetrics.duplicates.inc(outcomes.length);
    for (const { attempt } of outcomes) attempt!.late = true;
    await this.options.attempts.markLate(outcomes.map(({ attempt }) => attempt!._id));
  }
}
