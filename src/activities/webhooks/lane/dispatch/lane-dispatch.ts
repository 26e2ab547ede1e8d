import type { LaneCounts } from '../../../../contracts/webhooks/dispatch.js';
import type { DeliveryRow } from '../../../../store/webhooks/delivery.schema.js';
import { batchOf } from '../../batch/batch-try.js';
import { bytesInBatch, filledBatch } from '../../batch/filled-batch.js';
import type { DeliveryOutcome } from '../../delivery-outcome.js';
import { SendAbortedError } from '../../http-sender.js';
import type { ReadyDelivery } from '../../ready-delivery.js';
import type { DispatchLimits } from './dispatch-limits.js';
import { DispatchQueue } from './dispatch-queue.js';
import type { DispatchSlot } from './dispatch-queue.js';
import { FifoTurns, lineOf } from './fifo-turns.js';
import type { LanePage } from '../reading/lane-page.js';
import type { LaneDispatchEvents } from './lane-dispatch-events.js';
import { LaneReport } from './lane-report.js';
import { LaneResults } from './lane-results.js';
import type { LaneResultsOptions } from './lane-results.js';
import { LaneTries } from './lane-tries.js';
import type { LaneTriesOptions } from './lane-tries.js';
import type { RowsInHand } from '../reading/rows-in-hand.js';

export interface LaneDispatchOptions extends LaneResultsOptions, LaneTriesOptions {}

const MAX_ROWS = 5000;
const MAX_LOADED_BYTES = 16 * 1024 * 1024;
/** Results not stored yet. What is on its way and what is not stored is repeated after a kill, so it is bounded. */
const MAX_UNWRITTEN = 64;

/** What one lane has in hand: from a loaded row over its try to its stored result. */
export class LaneDispatch {
  readonly #queue: DispatchQueue<ReadyDelivery>;
  readonly #turns = new FifoTurns();
  readonly #results: LaneResults;
  readonly #report = new LaneReport();
  readonly #tries: LaneTries;
  /** Endpoints that nothing is sent to for now. */
  readonly #held = new Set<string>();
  #isCleared = false;
  #loadedBytes = 0;

  /** @param rows what this process has in hand of the lane: results of an earlier ownership may not be stored yet */
  constructor(
    private readonly options: LaneDispatchOptions,
    private readonly lane: string,
    private readonly rows: RowsInHand,
    limits: DispatchLimits,
    private readonly on: LaneDispatchEvents,
  ) {
    const measure = { followers: (one: ReadyDelivery) => this.#turns.behind(one), bytes: bytesInBatch };
    const runnable = () => this.#pump();
    this.#queue = new DispatchQueue(limits, { ...on, runnable }, undefined, measure);
    this.#tries = new LaneTries(options, lane, {
      tried: ({ judgement, durationMs }) => this.#report.record(judgement, durationMs),
      answered: on.tried,
      slows: (endpoint, forMs) => this.#queue.slowDown(endpoint, forMs),
    });
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
      // What stands in its line already does not keep others from standing behind it.
      if (line !== null && this.#turns.has(row)) return false;
      const isFree =
        !this.#held.has(row.ep) && this.rows.isFree(row) && !(line !== null && refused.has(line));
      if (!isFree && line !== null) refused.add(line);
      return isFree;
    });
    const taken = this.#queue.withRoom(free);
    for (const row of taken) {
      this.rows.take(row);
      this.#turns.expect(row);
    }
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
      const { ep } = delivery.row;
      this.#loadedBytes += delivery.body.length;
      if (batchOf(delivery) !== null) delivery.sinceMs = performance.now();
      if (this.#held.has(ep) || this.#turns.isLate(delivery.row)) this.#putBack([delivery]);
      else if (this.#turns.enter(delivery)) this.#add(delivery);
      else this.#queue.recheck(ep);
    }
    this.#pump();
  }

  /** Gives up every try; nothing is known about their effects. */
  abort(): void {
    this.#tries.abort();
    this.clear();
  }

  /** Puts back everything that was not tried yet. */
  clear(): void {
    this.#isCleared = true;
    this.#takeBack(this.#queue.clear());
    this.#putBack(this.#turns.clear());
  }

  /** Waits until the tries on their way have ended, but not longer than `ms`. */
  async triesEndWithin(ms: number): Promise<void> {
    await this.#tries.endWithin(ms);
  }

  /** Leaves tries on their way to themselves: a next owner does not repeat them before they must have ended. */
  async park(): Promise<void> {
    await this.#tries.park();
  }

  /** Resolves when every result so far is stored. */
  async written(): Promise<void> {
    await Promise.allSettled(this.#results.all);
  }

  /** Resolves when every try is over and every result is stored. */
  async settled(): Promise<void> {
    while (this.#tries.size + this.#results.size > 0) {
      await Promise.allSettled([...this.#tries.all, ...this.#results.all]);
    }
  }

  #add(delivery: ReadyDelivery): void {
    const { policy, throttleRate: ratePerSec } = delivery.endpoint.row;
    const concurrency = policy?.concurrency ?? null;
    const { sinceMs } = delivery;
    const batch = sinceMs === undefined ? null : batchOf(delivery);
    this.#queue.add(delivery.row.ep, delivery, { concurrency, ratePerSec, batch, sinceMs });
  }

  #pump(): void {
    while (!this.#tries.isAborted && this.#results.size < MAX_UNWRITTEN) {
      const slot = this.#queue.take();
      if (slot === null) return;
      const deliveries = filledBatch(slot.items, this.#turns);
      this.#tries.start(deliveries, this.#try(deliveries, slot));
    }
  }

  async #try(deliveries: readonly ReadyDelivery[], slot: DispatchSlot<ReadyDelivery>): Promise<void> {
    const going = new Set(deliveries);
    try {
      const outcomes = await this.#tries.outcomes(deliveries, (left) => {
        for (const delivery of left) going.delete(delivery);
        this.#tries.end(left);
        this.#stepBack(left);
      });
      for (const outcome of outcomes) this.#results.add(outcome, this.lane);
    } catch (error) {
      for (const { row } of going) {
        this.rows.putBack(row);
        this.#putBack(this.#turns.leave(row, false).waiting);
      }
      if (!(error instanceof SendAbortedError)) this.options.log.error({ err: error }, 'try failed');
    } finally {
      this.#tries.end(going);
      for (const { body } of going) this.#loadedBytes -= body.length;
      slot.end();
      this.#pump();
    }
  }

  /** Deliveries that were to go wait again, unless nothing more is to be sent. */
  #stepBack(deliveries: readonly ReadyDelivery[]): void {
    const ends = this.#isCleared || deliveries.some(({ row }) => this.#held.has(row.ep));
    if (ends) this.#takeBack(deliveries);
    else for (const delivery of this.#turns.stepBack(deliveries)) this.#add(delivery);
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
