import type { LaneCounts } from '../../../contracts/webhooks/dispatch.js';
import { webhookMetrics } from '../../../platform/metrics.js';
import type { LaneRepository } from '../../../store/webhooks/lane.repository.js';
import type { DeliveryRow } from '../../../store/webhooks/delivery.schema.js';
import { LaneDispatch } from './lane-dispatch.js';
import type { LaneDispatchOptions } from './lane-dispatch.js';
import { LaneLease } from './lane-lease.js';
import type { LeaseRequest } from './lane-lease.js';
import type { LanePage, LanePages } from './lane-page.js';
import { LaneReader } from './lane-reader.js';
import type { OfferedDelivery } from './offered-delivery.js';
import type { RowsInHand } from './rows-in-hand.js';
import { WakeUp } from './wake-up.js';

export interface LaneLoopOptions extends LaneDispatchOptions {
  lanes: LaneRepository;
  pages: LanePages;
}

/** Rows loaded together: payloads of this many are in memory before any of them is on its way. */
const LOAD_ROWS = 64;
const POLL_MS = { afterFullPage: 5, first: 40, idle: 250 };
/** When a lane is left, tries that end within this time are written before it is given up. */
const LEAVE_MS = 250;

/**
 * Serves one lane under its lease: reads due rows and has them sent. A plain class: an activity runs it, and a worker
 * that cannot reach Temporal runs it too. One loop serves one ownership of the lane.
 */
export class LaneLoop {
  readonly #reader: LaneReader;
  readonly #dispatch: LaneDispatch;
  readonly #wakeUp = new WakeUp();
  readonly #offers = new Set<Promise<void>>();
  /** When this loop became the owner, wall clock; null while it is not. */
  #servingSince: number | null = null;

  constructor(
    private readonly options: LaneLoopOptions,
    private readonly request: LeaseRequest,
    rows: RowsInHand,
  ) {
    this.#reader = new LaneReader(options.deliveries, request.lane);
    this.#dispatch = new LaneDispatch(options, request.lane, rows, () => {
      this.#reader.rewind();
      this.wake();
    });
  }

  /** Looks for due rows at once. */
  wake(): void {
    this.#wakeUp.wake();
  }

  /**
   * Takes deliveries that were told with their payloads. False when they must be read instead: this loop is not the
   * owner, has enough in hand, or became the owner later and cannot know what the one before did with them.
   */
  offer(offers: readonly OfferedDelivery[]): boolean {
    const since = this.#servingSince;
    if (since === null || this.#dispatch.isFull) return false;
    if (offers.some(({ row }) => row.at.getTime() < since)) return false;
    const taken = new Set(this.#dispatch.take(offers.map(({ row }) => row)));
    const accepted = offers.filter(({ row }) => taken.has(row));
    const loading = this.#load([...taken], () => this.options.pages.offered(accepted));
    this.#offers.add(loading);
    void loading.finally(() => this.#offers.delete(loading));
    return taken.size === offers.length;
  }

  counts(): LaneCounts {
    return this.#dispatch.counts(this.#reader.oldestDueSec);
  }

  /** Serves the lane until `forMs` have passed, `stop` fires, or the lease is lost. */
  async run(stop: AbortSignal, forMs: number): Promise<LaneCounts> {
    const untilMs = performance.now() + forMs;
    const patience = AbortSignal.any([stop, AbortSignal.timeout(forMs)]);
    const lease = await LaneLease.acquire(this.options.lanes, this.request, patience);
    if (lease === null) return this.counts();
    lease.lost.addEventListener('abort', () => this.#dispatch.abort());
    try {
      this.#servingSince = Date.now();
      await this.#serve(AbortSignal.any([stop, lease.lost]), untilMs);
    } finally {
      this.#servingSince = null;
      await this.#leave(lease);
    }
    return this.counts();
  }

  /** Resolves when every try is over and written, those that outlast the lease too. */
  settled(): Promise<void> {
    return this.#dispatch.settled();
  }

  async #serve(stop: AbortSignal, untilMs: number): Promise<void> {
    let idleMs = POLL_MS.first;
    while (!stop.aborted && performance.now() < untilMs) {
      const { found, full } = await this.#fillOrWait();
      if (found === 0) idleMs = Math.min(idleMs * 2, POLL_MS.idle);
      else idleMs = full ? POLL_MS.afterFullPage : POLL_MS.first;
      await this.#wakeUp.wait(idleMs, stop);
    }
  }

  // The store may be away for a while: the lease decides for how long it makes sense to go on.
  async #fillOrWait(): Promise<{ found: number; full: boolean }> {
    try {
      return await this.#fill();
    } catch (error) {
      this.options.log.warn({ err: error, lane: this.request.lane }, 'due deliveries cannot be read');
      return { found: 0, full: false };
    }
  }

  async #fill(): Promise<{ found: number; full: boolean }> {
    const dispatch = this.#dispatch;
    const fullEndpoints = dispatch.fullEndpoints();
    if (dispatch.isFull) return { found: 0, full: false };
    const { rows, full } = await this.#reader.read(fullEndpoints);
    const taken = dispatch.take(rows);
    for (let from = 0; from < taken.length; from += LOAD_ROWS) {
      const part = taken.slice(from, from + LOAD_ROWS);
      if (dispatch.isFull) dispatch.putBack(part);
      else await this.#load(part, () => this.options.pages.load(part));
    }
    return { found: taken.length, full };
  }

  /** Rows that cannot be loaded now are read again later. */
  async #load(rows: readonly DeliveryRow[], load: () => Promise<LanePage>): Promise<void> {
    try {
      this.#dispatch.enqueue(await load());
    } catch (error) {
      this.#dispatch.putBack(rows);
      this.options.log.warn({ err: error, lane: this.request.lane }, 'due deliveries cannot be loaded');
    }
  }

  /** Gives the lane up: what ends soon is written first, what lasts is set aside for as long as it can last. */
  async #leave(lease: LaneLease): Promise<void> {
    await Promise.all(this.#offers);
    if (lease.lost.aborted) {
      webhookMetrics.leaseLost.inc();
      return;
    }
    this.#dispatch.clear();
    try {
      await this.#dispatch.triesEndWithin(LEAVE_MS);
      await this.#dispatch.park();
      await this.#dispatch.written();
    } catch (error) {
      this.options.log.warn({ err: error, lane: this.request.lane }, 'lane not left in order');
      await this.#dispatch.settled();
    }
    await lease.release();
  }
}
