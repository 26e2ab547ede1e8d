import type { Logger } from 'pino';
import type { LaneService } from '../activities/webhooks/lane/lane-service.js';
import type { Sweep } from '../activities/webhooks/sweep.js';
import { RETRY_LANE } from '../contracts/webhooks/delivery.js';
import { laneNames } from '../domain/webhooks/lane.js';
import type { DeliveryRepository } from '../store/webhooks/delivery.repository.js';

export interface LaneGuardianOptions {
  /** Resolves when Temporal answers. */
  checkTemporal: () => Promise<void>;
  lanes: LaneService;
  deliveries: DeliveryRepository;
  /** Null when sweeping is switched off. */
  sweeper: Sweep | null;
  /** Number of shared lanes. */
  laneCount: number;
  log: Logger;
  times?: GuardianTimes;
}

export interface GuardianTimes {
  checkMs: number;
  /** Temporal must have been away for this long before lanes are served without it. */
  awayMs: number;
  sweepMs: number;
}

const TIMES: GuardianTimes = { checkMs: 5000, awayMs: 30_000, sweepMs: 30_000 };
const ROUND_MS = 60_000;

/**
 * Serves lanes without Temporal while it cannot be reached, under the same leases, and sweeps. Hands them back as
 * soon as it answers. Where Temporal was never reached since the process started, one failed check is enough.
 */
export class LaneGuardian {
  readonly #times: GuardianTimes;
  readonly #stop = new AbortController();
  readonly #loops = new Set<Promise<unknown>>();
  #serving: AbortController | null = null;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #sweptMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: LaneGuardianOptions) {
    this.#times = options.times ?? TIMES;
  }

  start(): void {
    void this.#round();
  }

  /** Leaves the lanes served without Temporal. */
  async stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#serving?.abort();
    await Promise.allSettled(this.#loops);
  }

  async #round(): Promise<void> {
    if (await this.#answers()) this.#handBack();
    else if (performance.now() - this.#answeredMs >= this.#times.awayMs) await this.#serve();
    if (!this.#stop.signal.aborted) this.#timer = setTimeout(() => void this.#round(), this.#times.checkMs);
  }

  async #answers(): Promise<boolean> {
    try {
      await this.options.checkTemporal();
      this.#answeredMs = performance.now();
      return true;
    } catch {
      return false;
    }
  }

  #handBack(): void {
    if (this.#serving === null) return;
    this.options.log.info('Temporal answers again, lanes go back to their dispatchers');
    this.#serving.abort();
    this.#serving = null;
  }

  async #serve(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    if (this.#serving === null) this.options.log.warn('Temporal is away, lanes are served without it');
    this.#serving ??= new AbortController();
    try {
      await this.#sweepIfDue();
      for (const lane of await this.#lanes()) {
        if (!this.options.lanes.isRunning(lane)) this.#run(lane, this.#serving.signal);
      }
    } catch (error) {
      this.options.log.warn({ err: error }, 'lanes cannot be served');
    }
  }

  async #lanes(): Promise<Set<string>> {
    const inUse = await this.options.deliveries.lanesInUse();
    return new Set([...laneNames(this.options.laneCount), ...inUse.filter((lane) => lane !== RETRY_LANE)]);
  }

  #run(lane: string, signal: AbortSignal): void {
    const loop = this.options.lanes
      .run(lane, signal, ROUND_MS)
      .catch((error: unknown) => this.options.log.warn({ err: error, lane }, 'lane not served'))
      .finally(() => this.#loops.delete(loop));
    this.#loops.add(loop);
  }

  async #sweepIfDue(): Promise<void> {
    if (this.options.sweeper === null || performance.now() - this.#sweptMs < this.#times.sweepMs) return;
    this.#sweptMs = performance.now();
    await this.options.sweeper.run();
  }
}
