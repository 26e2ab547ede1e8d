import type { DeliveryRepository } from '../../../../store/webhooks/delivery.repository.js';
import type { BatchTry, Tried } from '../../batch/batch-try.js';
import { untriedOutcome } from '../../delivery-outcome.js';
import type { DeliveryOutcome } from '../../delivery-outcome.js';
import type { DeliveryTry } from '../../delivery-try.js';
import type { PreparedEndpoint } from '../../prepared-endpoint.js';
import type { ReadyDelivery, TriedDelivery } from '../../ready-delivery.js';
import type { RetryHandover } from '../../retry-handover.js';
import { laneOutcome } from './lane-outcome.js';
import { parked, PARK_MS } from './parked-tries.js';
import { settledWithin } from './settled-within.js';

export interface LaneTriesOptions {
  tries: DeliveryTry;
  batches: BatchTry;
  deliveries: DeliveryRepository;
  handover: RetryHandover;
  /** Number of shared lanes. */
  laneCount: number;
}

/** What the tries of a lane tell. */
export interface LaneTriesEvents {
  /** The result for one delivery. */
  tried: (tried: TriedDelivery) => void;
  /** The result of one request, as one of its deliveries shows it. */
  answered: (endpoint: PreparedEndpoint, tried: TriedDelivery) => void;
  /** An endpoint is to be sent to more slowly for a time. */
  slows: (endpoint: string, forMs: number) => void;
}

/** An endpoint that hangs gets fewer tries at a time for this long. */
const SLOW_AFTER_TIMEOUT_MS = 60_000;

/** The deliveries of one lane that are on their way. */
export class LaneTries {
  readonly #running = new Map<ReadyDelivery, Promise<void>>();
  readonly #abort = new AbortController();
  #parking: Promise<unknown> | null = null;

  constructor(
    private readonly options: LaneTriesOptions,
    private readonly lane: string,
    private readonly on: LaneTriesEvents,
  ) {}

  get size(): number {
    return this.#running.size;
  }

  get all(): Iterable<Promise<void>> {
    return this.#running.values();
  }

  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  /** @param trying ends when the results of all are on their way to the store */
  start(deliveries: readonly ReadyDelivery[], trying: Promise<void>): void {
    for (const delivery of deliveries) this.#running.set(delivery, trying);
  }

  end(deliveries: Iterable<ReadyDelivery>): void {
    for (const delivery of deliveries) this.#running.delete(delivery);
  }

  /** Gives up every try; nothing is known about their effects. */
  abort(): void {
    this.#abort.abort();
  }

  /**
   * Sends one delivery, or several together.
   * @param stepBack called with those that do not go now after all
   * @throws SendAbortedError
   */
  async outcomes(
    deliveries: readonly ReadyDelivery[],
    stepBack: (deliveries: ReadyDelivery[]) => void,
  ): Promise<DeliveryOutcome[]> {
    const outcomes = await this.#sent(deliveries, stepBack);
    // A row that is being parked has another revision afterwards.
    if (this.#parking !== null) await this.#parking;
    for (const outcome of outcomes) outcome.change.rev = outcome.row.rev;
    return outcomes;
  }

  /** Waits until what is on its way has ended, but not longer than `ms`. */
  async endWithin(ms: number): Promise<void> {
    await settledWithin(this.#running.values(), ms);
  }

  /** Leaves what is on its way to itself: a next owner does not repeat it before it must have ended. */
  async park(): Promise<void> {
    const left = [...this.#running];
    if (left.length === 0) return;
    // Deliveries of one request share a due time, by which the next owner counts requests.
    const requests = [...new Set(this.#running.values())];
    const atMs = Date.now() + PARK_MS;
    const dueOf = new Map(requests.map((request, n) => [request, new Date(atMs + n)]));
    const changes = left.map(([delivery, request]) => parked(delivery, this.lane, dueOf.get(request)!));
    const parking = this.options.deliveries.write(changes, true).then((refused) => {
      for (const [{ row }] of left) if (!refused.has(row._id)) row.rev += 1;
    });
    this.#parking = parking;
    await parking;
  }

  async #sent(
    deliveries: readonly ReadyDelivery[],
    stepBack: (deliveries: ReadyDelivery[]) => void,
  ): Promise<DeliveryOutcome[]> {
    const first = deliveries[0]!;
    // Disabled by the answer to another delivery while this one waited.
    if (first.endpoint.row.disabled) return this.#canceled(deliveries, stepBack);
    if (first.sinceMs !== undefined) return this.#sentTogether(deliveries, stepBack);
    const tried = await this.options.tries.run(first, this.#abort.signal);
    this.on.tried(tried);
    this.#answered(first.endpoint, tried);
    return [laneOutcome(first, tried, this.options)];
  }

  async #sentTogether(
    deliveries: readonly ReadyDelivery[],
    stepBack: (deliveries: ReadyDelivery[]) => void,
  ): Promise<DeliveryOutcome[]> {
    const { sent, faulty } = await this.options.batches.run(deliveries, stepBack, this.#abort.signal);
    const [one] = sent;
    if (one !== undefined) this.#answered(one.delivery.endpoint, one.tried);
    return [...faulty, ...sent].map(({ delivery, tried }: Tried) => {
      this.on.tried(tried);
      return laneOutcome(delivery, tried, this.options);
    });
  }

  #answered(endpoint: PreparedEndpoint, tried: TriedDelivery): void {
    const { slowUntil, errorCode } = tried.judgement;
    if (slowUntil !== null) this.on.slows(endpoint.row._id, slowUntil.getTime() - Date.now());
    else if (errorCode === 'timeout') this.on.slows(endpoint.row._id, SLOW_AFTER_TIMEOUT_MS);
    this.on.answered(endpoint, tried);
  }

  #canceled(
    deliveries: readonly ReadyDelivery[],
    stepBack: (deliveries: ReadyDelivery[]) => void,
  ): DeliveryOutcome[] {
    const others = deliveries.filter(({ endpoint }) => !endpoint.row.disabled);
    if (others.length > 0) stepBack(others);
    return deliveries
      .filter(({ endpoint }) => endpoint.row.disabled)
      .map(({ row, stored }) => untriedOutcome(row, 'canceled', 'endpoint_disabled', { stored }));
  }
}
