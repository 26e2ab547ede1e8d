import type { LaneCounts } from '../../../contracts/webhooks/dispatch.js';
import type { DeliveryRow } from '../../../store/webhooks/delivery.schema.js';
import { untriedOutcome } from '../delivery-outcome.js';
import type { DeliveryOutcome } from '../delivery-outcome.js';
import type { DeliveryTry, ReadyDelivery, TriedDelivery } from '../delivery-try.js';
import { SendAbortedError } from '../http-sender.js';
import type { PreparedEndpoint } from '../prepared-endpoints.js';
import type { DispatchLimits } from './dispatch-limits.js';
import { DispatchQueue } from './dispatch-queue.js';
import type { DispatchSlot } from './dispatch-queue.js';
import { FifoTurns, lineOf } from './fifo-turns.js';
import { laneOutcome } from './lane-outcome.js';
import type { LanePage } from './lane-page.js';
import type { LaneDispatchEvents } from './lane-dispatch-events.js';
import { LaneReport } from './lane-report.js';
import { LaneResults } from './lane-results.js';
import type { LaneResultsOptions } from './lane-results.js';
import { parked } from './parked-tries.js';
import type { RowsInHand } from './rows-in-hand.js';
import { settledWithin } from './settled-within.js';

export interface LaneDispatchOptions extends LaneResultsOptions {
  tries: DeliveryTry;
  /** Number of shared lanes. */
  laneCount: number;
}

const MAX_ROWS = 5000;
const MAX_LOADED_BYTES = 16 * 1024 * 1024;
/** Results not stored yet. What is on its way and what is not stored is repeated after a kill, so it is bounded. */
const MAX_UNWRITTEN = 64;
/** An endpoint that hangs gets fewer tries at a time for this long. */
const SLOW_AFTER_TIMEOUT_MS = 60_000;

/** What one lane has in hand: from a loaded row over its try to its stored result. */
export class LaneDispatch {
  readonly #queue: DispatchQueue<ReadyDelivery>;
  readonly #turns = new FifoTurns();
  readonly #results: LaneResults;
  readonly #report = new LaneReport();
  readonly #tries = new Map<ReadyDelivery, Promise<void>>();
  readonly #abort = new AbortController();
  /** Endpoints that nothing is sent to for now. */
  readonly #held = new Set<string>();
  #parking: Promise<unknown> | null = null;
  #loadedBytes = 0;

  /** @param rows what this process has in hand of the lane: results of an earlier ownership may not be stored yet */
  constructor(
    private readonly options: LaneDispatchOptions,
    private readonly lane: string,
    private readonly rows: RowsInHand,
    limits: DispatchLimits,
    private readonly on: LaneDispatchEvents,
  ) {
    this.#queue = new DispatchQueue(limits, { ...on, runnable: () => this.#pump() });
    this.#results = new LaneResults(options, rows, (outcome, stored) => this.#onWritten(outcome, stored));
  }

  get isFull(): boolean {
    return this.rows.size >= MAX_ROWS || this.#loadedBytes >= MAX_LOADED_BYTES;
  }

  /** Nothing is on its way and nothing waits to be stored. */
  get isIdle(): boolean {
    return this.#tries.size + this.#results.size + this.#queue.queued === 0;
  }

  counts(oldestDueSec: number): LaneCounts {
    return this.#report.counts(oldestDueSec);
  }

  /** Endpoints of which no more rows should be read now. */
  fullEndpoints(): string[] {
    this.#takeBack(this.#queue.shed());
    return [...this.#queue.full(), ...this.#held];
  }

  /** Endpoints that have more due than the lane takes in hand. */
  crowdedEndpoints(): string[] {
    return this.#queue.crowded();
  }

  /** Keys of an ordered endpoint that have a delivery in hand. */
  busyKeys(endpoint: string): string[] {
    return this.#turns.busyKeys(endpoint);
  }

  /** Nothing more goes to an endpoint until `release`. What is on its way ends as it will. */
  hold(endpoint: string): void {
    this.#held.add(endpoint);
    this.#takeBack(this.#queue.remove(endpoint));
  }

  release(endpoint: string): void {
    this.#held.delete(endpoint);
    this.on.room();
  }

  /** Takes up a slot of an endpoint for a try of the owner before. @returns what gives it back */
  occupy(endpoint: string): () => void {
    return this.#queue.occupy(endpoint);
  }

  /** Of what is offered, what is not in hand yet and has room. Each must be enqueued or put back. */
  take<T extends DeliveryRow>(rows: readonly T[]): T[] {
    const refused = new Set<string>();
    const free = rows.filter((row) => {
      const line = lineOf(row);
      const isFree =
        !this.#held.has(row.ep) && this.rows.isFree(row) && !(line !== null && refused.has(line));
      if (!isFree && line !== null) refused.add(line);
      return isFree;
    });
    const taken = this.#queue.withRoom(free);
    for (const row of taken) this.rows.take(row);
    return taken;
  }

  /** Puts rows back that were taken and not enqueued. */
  putBack(rows: readonly DeliveryRow[]): void {
    for (const row of rows) this.rows.putBack(row);
  }

  /** Sends what was loaded, and writes what needs no try. */
  enqueue({ ready, untried }: LanePage): void {
    for (const outcome of untried) this.#results.add(outcome, this.lane);
    for (const delivery of ready) {
      this.#loadedBytes += delivery.body.length;
      if (this.#held.has(delivery.row.ep)) this.#putBack([delivery]);
      else if (this.#turns.enter(delivery)) this.#add(delivery);
    }
    this.#pump();
  }

  /** Gives up every try; nothing is known about their effects. */
  abort(): void {
    this.#abort.abort();
    this.clear();
  }

  /** Puts back everything that was not tried yet. */
  clear(): void {
    this.#takeBack(this.#queue.clear());
    this.#putBack(this.#turns.clear());
  }

  /** Waits until the tries on their way have ended, but not longer than `ms`. */
  async triesEndWithin(ms: number): Promise<void> {
    await settledWithin(this.#tries.values(), ms);
  }

  /** Leaves tries on their way to themselves: a next owner does not repeat them before they must have ended. */
  async park(): Promise<void> {
    const tries = [...this.#tries.keys()];
    if (tries.length === 0) return;
    const changes = tries.map((delivery) => parked(delivery, this.lane));
    const parking = this.options.deliveries.write(changes, true).then((refused) => {
      for (const { row } of tries) if (!refused.has(row._id)) row.rev += 1;
    });
    this.#parking = parking;
    await parking;
  }

  /** Resolves when every result so far is stored. */
  async written(): Promise<void> {
    await Promise.allSettled(this.#results.all);
  }

  /** Resolves when every try is over and every result is stored. */
  async settled(): Promise<void> {
    while (this.#tries.size + this.#results.size > 0) {
      await Promise.allSettled([...this.#tries.values(), ...this.#results.all]);
    }
  }

  #add(delivery: ReadyDelivery): void {
    const { policy, throttleRate: ratePerSec } = delivery.endpoint.row;
    this.#queue.add(delivery.row.ep, delivery, { concurrency: policy?.concurrency ?? null, ratePerSec });
  }

  #pump(): void {
    while (!this.#abort.signal.aborted && this.#results.size < MAX_UNWRITTEN) {
      const slot = this.#queue.take();
      if (slot === null) return;
      this.#tries.set(slot.item, this.#try(slot));
    }
  }

  async #try(slot: DispatchSlot<ReadyDelivery>): Promise<void> {
    const delivery = slot.item;
    try {
      const outcome = await this.#outcome(delivery);
      // A row that is being parked has another revision afterwards.
      if (this.#parking !== null) await this.#parking;
      outcome.change.rev = delivery.row.rev;
      this.#results.add(outcome, this.lane);
    } catch (error) {
      this.rows.putBack(delivery.row);
      this.#putBack(this.#turns.leave(delivery.row, false).waiting);
      if (!(error instanceof SendAbortedError)) this.options.log.error({ err: error }, 'try failed');
    } finally {
      this.#tries.delete(delivery);
      this.#loadedBytes -= delivery.body.length;
      slot.end();
      this.#pump();
    }
  }

  async #outcome(delivery: ReadyDelivery): Promise<DeliveryOutcome> {
    const { row, endpoint, stored } = delivery;
    // Disabled by the answer to another delivery while this one waited.
    if (endpoint.row.disabled) return untriedOutcome(row, 'canceled', 'endpoint_disabled', { stored });
    const tried = await this.options.tries.run(delivery, this.#abort.signal);
    this.#record(endpoint, tried);
    return laneOutcome(delivery, tried, this.options);
  }

  #record(endpoint: PreparedEndpoint, tried: TriedDelivery): void {
    const { slowUntil, errorCode } = tried.judgement;
    this.#report.record(tried.judgement, tried.durationMs);
    if (slowUntil !== null) this.#queue.slowDown(endpoint.row._id, slowUntil.getTime() - Date.now());
    else if (errorCode === 'timeout') this.#queue.slowDown(endpoint.row._id, SLOW_AFTER_TIMEOUT_MS);
    this.on.tried(endpoint, tried);
  }

  #onWritten({ row, change }: DeliveryOutcome, stored: boolean): void {
    const { next, waiting } = this.#turns.leave(row, stored && change.q === null);
    this.#putBack(waiting);
    if (next !== null && this.#held.has(row.ep)) this.#takeBack([next]);
    else if (next !== null) this.#add(next);
    if (row.fk !== undefined && next === null) this.on.room();
    this.#pump();
  }

  /** What was in the queue, with what stands behind it. */
  #takeBack(deliveries: readonly ReadyDelivery[]): void {
    this.#putBack(deliveries);
    for (const { row } of deliveries) this.#putBack(this.#turns.leave(row, false).waiting);
  }

  #putBack(deliveries: readonly ReadyDelivery[]): void {
    for (const { row, body } of deliveries) {
      this.rows.putBack(row);
      this.#loadedBytes -= body.length;
    }
  }
}
