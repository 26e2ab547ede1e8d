import type { RetrySchedule } from '../../contracts/webhooks/endpoint-policy.js';
import { scheduleInForce } from '../../domain/webhooks/retry-schedule.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { RetryScheduleRepository } from '../../store/webhooks/retry-schedule.repository.js';
import type { PreparedEndpoint } from './prepared-endpoint.js';

const MAX_AGE_MS = 5000;
const MAX_ENTRIES = 10_000;

interface Known {
  schedule: RetrySchedule | null;
  readMs: number;
}

/**
 * The waits between tries of a delivery: the endpoint's, else the event type's, else the application's, else the
 * environment's. Asked only after a failure, so a delivery that is taken costs no look.
 */
export class RetrySchedules {
  readonly #known = new Map<string, Known>();

  /** @param environment waits in seconds; the default schedule when left out */
  constructor(
    private readonly schedules: RetryScheduleRepository,
    private readonly environment?: readonly number[],
  ) {}

  async waitsSec(row: DeliveryRow, endpoint: PreparedEndpoint): Promise<readonly number[]> {
    const own = endpoint.row.policy?.retrySchedule ?? null;
    if (own !== null) return scheduleInForce([own]);
    const type = await this.#of(`type ${row.type}`, () => this.schedules.ofEventType(row.type));
    const app = await this.#of(row.app, () => this.schedules.ofApplication(row.app));
    return scheduleInForce([type, app, this.environment === undefined ? null : [...this.environment]]);
  }

  // A store that is away must not keep a result from being judged: what was known before counts.
  async #of(key: string, read: () => Promise<RetrySchedule | null>): Promise<RetrySchedule | null> {
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() - known.readMs < MAX_AGE_MS) return known.schedule;
    try {
      const schedule = await read();
      if (this.#known.size >= MAX_ENTRIES) this.#known.clear();
      this.#known.set(key, { schedule, readMs: performance.now() });
      return schedule;
    } catch {
      return known?.schedule ?? null;
    }
  }
}
