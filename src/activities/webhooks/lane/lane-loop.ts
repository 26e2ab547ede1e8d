import type { LaneCounts, LaneEnd } from '../../../contracts/webhooks/dispatch.js';
import { homeLane, isOwnLane } from '../../../domain/webhooks/lane.js';
import { crashPoint } from '../../../platform/crash-point.js';
import { webhookMetrics } from '../../../platform/metrics.js';
import type { LaneRepository } from '../../../store/webhooks/lane.repository.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import type { FifoRepository } from '../../../store/webhooks/fifo.repository.js';
import type { SweepRepository } from '../../../store/webhooks/sweep.repository.js';
import { FifoReader } from './reading/fifo-reader.js';
import { LaneCircuits } from './lane-circuits.js';
import type { LaneCircuitsOptions } from './lane-circuits.js';
import { LaneDispatch } from './dispatch/lane-dispatch.js';
import type { LaneDispatchOptions } from './dispatch/lane-dispatch.js';
import { LaneLease } from './lease/lane-lease.js';
import type { LeaseRequest } from './lease/lane-lease.js';
import { laneLimits } from './lane-limits.js';
import { LaneMoves } from './lane-moves.js';
import { LaneOverflow } from './lane-overflow.js';
import type { LaneOverflowOptions } from './lane-overflow.js';
import type { LanePage, LanePages } from './reading/lane-page.js';
import type { LaneMemory, LaneRound } from './lane-round.js';
import { LaneReader } from './reading/lane-reader.js';
import type { ReadPage } from './reading/lane-reader.js';
import type { OfferedDelivery } from './reading/offered-delivery.js';
import { OwnLane } from './own-lane.js';
import type { OwnLaneOptions } from './own-lane.js';
import { ParkedTries } from './dispatch/parked-tries.js';
import { WakeUp } from './wake-up.js';

export interface LaneLoopOptions
  extends LaneDispatchOptions, OwnLaneOptions, LaneCircuitsOptions, LaneOverflowOptions {
  lanes: LaneRepository;
  pages: LanePages;
  fifo: FifoRepository;
  sweeps: SweepRepository;
}

/** Rows loaded together: payloads of this many are in memory before any of them is on its way. */
const LOAD_ROWS = 64;
const POLL_MS = { afterFullPage: 5, first: 40, idle: 250, ownIdle: 1000 };
/** When a lane is left, tries that end within this time are written before it is given up. */
const LEAVE_MS = 250;

interface Filled {
  found: number;
  full: boolean;
}
const NOTHING: Filled = { found: 0, full: false };

/**
 * Serves one lane under its lease: reads due rows and has them sent. A plain class: an activity runs it, and a worker
 * that cannot reach Temporal runs it too. One loop serves one ownership of the lane.
 */
export class LaneLoop {
  readonly #reader: LaneReader;
  readonly #fifo: FifoReader;
  readonly #dispatch: LaneDispatch;
  readonly #moves: LaneMoves;
  readonly #circuits: LaneCircuits;
  readonly #overflow: LaneOverflow;
  readonly #own: OwnLane | null;
  readonly #parked: ParkedTries;
  readonly #wakeUp = new WakeUp();
  readonly #offers = new Set<Promise<void>>();
  /** When this loop became the owner, wall clock; null while it is not, and where nothing can be offered. */
  #offersSince: number | null = null;
  #end: LaneEnd | null = null;

  constructor(
    private readonly options: LaneLoopOptions,
    private readonly request: LeaseRequest,
    { rows, fifo }: LaneMemory,
    private readonly round: LaneRound = {},
  ) {
    const { lane } = request;
    const drains = round.drain !== undefined;
    this.#own = isOwnLane(lane) ? new OwnLane(options, lane, drains) : null;
    this.#reader = new LaneReader(options.deliveries, lane, rows);
    this.#fifo = new FifoReader(options.fifo, options.sweeps, lane, fifo);
    this.#moves = new LaneMoves(options.backlog, lane, rows, options.log);
    this.#dispatch = new LaneDispatch(options, lane, rows, laneLimits(lane, round), {
      room: () => {
        this.#reader.rewind();
        this.wake();
      },
      tried: (endpoint, tried) => this.#circuits.tried(endpoint, tried),
      ...(drains ? { most: () => this.#circuits.concurrency } : {}),
    });
    this.#circuits = new LaneCircuits(options, this.#dispatch, this.#moves, drains);
    this.#overflow = new LaneOverflow(options, lane, this.#dispatch, this.#moves);
    this.#parked = new ParkedTries(options.deliveries, lane, this.#dispatch);
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
    const since = this.#offersSince;
    if (since === null || this.#dispatch.isFull || !this.#parked.isKnown) return false;
    if (offers.some(({ row }) => row.at.getTime() < since || row.fk !== undefined)) return false;
    const taken = new Set(this.#dispatch.take(offers.map(({ row }) => row)));
    const accepted = offers.filter(({ row }) => taken.has(row));
    const loading = this.#load(() => this.options.pages.offered(accepted)).then((loaded) => {
      if (!loaded) this.#dispatch.putBack([...taken]);
    });
    this.#offers.add(loading);
    void loading.finally(() => this.#offers.delete(loading));
    return taken.size === offers.length;
  }

  counts(): LaneCounts {
    const counts = this.#dispatch.counts(this.#reader.oldestDueSec);
    return this.#end === null ? counts : { ...counts, end: this.#end };
  }

  /** Serves the lane until `forMs` have passed, `stop` fires, or the lease is lost. */
  async run(stop: AbortSignal, forMs: number): Promise<LaneCounts> {
    const untilMs = performance.now() + forMs;
    const patience = AbortSignal.any([stop, AbortSignal.timeout(forMs)]);
    const lease = await LaneLease.acquire(this.options.lanes, this.request, patience);
    if (lease === null) return this.counts();
    crashPoint('lane_taken');
    lease.lost.addEventListener('abort', () => this.#dispatch.abort());
    try {
      this.#offersSince = this.#own === null ? Date.now() : null;
      await this.#serve(AbortSignal.any([stop, lease.lost]), untilMs);
    } finally {
      this.#offersSince = null;
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
      if (this.#circuits.isDownAgain) this.#end = 'failing';
      if (this.#end !== null) return;
      const longest = this.#own === null || this.#parked.areLeft ? POLL_MS.idle : POLL_MS.ownIdle;
      if (found === 0) idleMs = Math.min(idleMs * 2, longest);
      else idleMs = full ? POLL_MS.afterFullPage : POLL_MS.first;
      await this.#wakeUp.wait(idleMs, stop);
    }
  }

  // The store may be away for a while: the lease decides for how long it makes sense to go on.
  async #fillOrWait(): Promise<Filled> {
    try {
      await this.#parked.look();
      return await (this.#own === null ? this.#fillShared() : this.#fillOwn(this.#own));
    } catch (error) {
      this.options.log.warn({ err: error, lane: this.request.lane }, 'due deliveries cannot be read');
      return NOTHING;
    }
  }

  async #fillShared(): Promise<Filled> {
    const full = this.#dispatch.fullEndpoints();
    this.#overflow.look(this.#dispatch.crowdedEndpoints());
    return this.#take(() => this.#reader.read([...full, ...this.#moves.endpoints]));
  }

  async #fillOwn(own: OwnLane): Promise<Filled> {
    const work = await own.work();
    if (work.kind === 'stop') {
      this.#end = 'retired';
      return NOTHING;
    }
    const { endpoint } = work;
    if (work.kind === 'move') {
      await this.#moves.start(endpoint._id, homeLane(endpoint, this.options.laneCount));
      return NOTHING;
    }
    const full = this.#dispatch.fullEndpoints();
    if (full.length > 0 && work.kind === 'serve') return NOTHING;
    const filled = await this.#take(() =>
      work.kind === 'serve'
        ? this.#reader.read([])
        : this.#fifo.read(endpoint, this.#dispatch.busyKeys(endpoint._id)),
    );
    if (filled.found === 0 && this.#dispatch.isIdle) await this.#emptied(own, endpoint);
    return filled;
  }

  async #emptied(own: OwnLane, endpoint: EndpointRow): Promise<void> {
    if (this.round.drain !== undefined) this.#end = 'drained';
    else await own.emptied(endpoint);
  }

  async #take(read: () => Promise<ReadPage>): Promise<Filled> {
    const dispatch = this.#dispatch;
    if (dispatch.isFull) return NOTHING;
    const { rows, full } = await read();
    const taken = dispatch.take(rows);
    this.#reader.taken(rows);
    for (let from = 0; from < taken.length; from += LOAD_ROWS) {
      const part = taken.slice(from, from + LOAD_ROWS);
      if (dispatch.isFull || !(await this.#load(() => this.options.pages.load(part)))) {
        // What comes later in an order must not go before what could not be loaded.
        dispatch.putBack(taken.slice(from));
        break;
      }
    }
    return { found: taken.length, full };
  }

  /** False when it cannot be done now: then the rows are to be put back. */
  async #load(load: () => Promise<LanePage>): Promise<boolean> {
    try {
      this.#dispatch.enqueue(await load());
      return true;
    } catch (error) {
      this.options.log.warn({ err: error, lane: this.request.lane }, 'due deliveries cannot be loaded');
      return false;
    }
  }

  /** Gives the lane up: what ends soon is written first, what lasts is set aside for as long as it can last. */
  async #leave(lease: LaneLease): Promise<void> {
    await Promise.all([...this.#offers, this.#moves.stop()]);
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
    crashPoint('lane_parked');
    await lease.release();
  }
}
