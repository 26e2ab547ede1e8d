import type { Logger } from 'pino';
import { RETRY_GRACE_MS, RETRY_LANE } from '../../../contracts/webhooks/delivery.js';
import type { LaneCounts } from '../../../contracts/webhooks/dispatch.js';
import { deliveryTitle } from '../../../domain/webhooks/delivery-title.js';
import type { DeliveryRepository } from '../../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../../store/webhooks/delivery.schema.js';
import { triedOutcome, untriedOutcome } from '../delivery-outcome.js';
import type { DeliveryOutcome } from '../delivery-outcome.js';
import type { DeliveryTry, ReadyDelivery, TriedDelivery } from '../delivery-try.js';
import { DispatchQueue } from './dispatch-queue.js';
import type { DispatchLimits, DispatchSlot } from './dispatch-queue.js';
import { MAX_TRY_TIMEOUT_MS, SendAbortedError } from '../http-sender.js';
import type { LanePage } from './lane-page.js';
import { LaneReport } from './lane-report.js';
import type { ResultFlush } from '../result-flush.js';
import { waitingPlace } from '../retry-handover.js';
import type { RetryHandover } from '../retry-handover.js';
import type { RowsInHand } from './rows-in-hand.js';

export interface LaneDispatchOptions {
  deliveries: DeliveryRepository;
  tries: DeliveryTry;
  flush: ResultFlush;
  handover: RetryHandover;
  log: Logger;
  limits?: DispatchLimits;
}

export const DISPATCH_LIMITS: DispatchLimits = { lane: 128, endpoint: 20, queued: 1000 };
const MAX_ROWS = 5000;
const MAX_LOADED_BYTES = 16 * 1024 * 1024;
/** Results not stored yet. What is on its way and what is not stored is repeated after a kill, so it is bounded. */
const MAX_UNWRITTEN = 64;
/** An endpoint that hangs gets fewer tries at a time for this long. */
const SLOW_AFTER_TIMEOUT_MS = 60_000;
/** A try that outlasts its lane is the next owner's to repeat only after it must have ended. */
const PARK_MS = MAX_TRY_TIMEOUT_MS + 10_000;

/** What one lane has in hand: from a loaded row over its try to its stored result. */
export class LaneDispatch {
  readonly #queue: DispatchQueue<ReadyDelivery>;
  readonly #report = new LaneReport();
  readonly #tries = new Map<ReadyDelivery, Promise<void>>();
  readonly #writes = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #parking: Promise<unknown> | null = null;
  #loadedBytes = 0;

  /**
   * @param rows what this process has in hand of the lane: results of an earlier ownership may not be stored yet
   * @param onRoom called when rows that found no room may be read again
   */
  constructor(
    private readonly options: LaneDispatchOptions,
    private readonly lane: string,
    private readonly rows: RowsInHand,
    onRoom: () => void,
  ) {
    this.#queue = new DispatchQueue(options.limits ?? DISPATCH_LIMITS, onRoom);
  }

  get isFull(): boolean {
    return this.rows.size >= MAX_ROWS || this.#loadedBytes >= MAX_LOADED_BYTES;
  }

  counts(oldestDueSec: number): LaneCounts {
    return this.#report.counts(oldestDueSec);
  }

  /** Endpoints of which no more rows should be read now. */
  fullEndpoints(): string[] {
    this.#putBack(this.#queue.shed());
    return this.#queue.full();
  }

  /** Of what is offered, what is not in hand yet and has room. Each must be enqueued or put back. */
  take<T extends DeliveryRow>(rows: readonly T[]): T[] {
    const taken = this.#queue.withRoom(rows.filter((row) => this.rows.isFree(row)));
    for (const row of taken) this.rows.take(row);
    return taken;
  }

  /** Puts rows back that were taken and not enqueued. */
  putBack(rows: readonly DeliveryRow[]): void {
    for (const row of rows) this.rows.putBack(row);
  }

  /** Sends what was loaded, and writes what needs no try. */
  enqueue({ ready, untried }: LanePage): void {
    for (const outcome of untried) this.#write(outcome);
    for (const delivery of ready) {
      this.#loadedBytes += delivery.body.length;
      this.#queue.add(delivery.row.ep, delivery);
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
    this.#putBack(this.#queue.clear());
  }

  /** Waits until the tries on their way have ended, but not longer than `ms`. */
  async triesEndWithin(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([Promise.allSettled(this.#tries.values()), timeout]);
    clearTimeout(timer);
  }

  /** Moves the due time of tries on their way behind their longest end, so that a next owner leaves them alone. */
  async park(): Promise<void> {
    const parked = [...this.#tries.keys()];
    if (parked.length === 0) return;
    const q = { l: this.lane, at: new Date(Date.now() + PARK_MS) };
    const changes = parked.map(({ row, stored }) => ({
      ...{ _id: row._id, rev: row.rev, set: {}, q },
      ...(stored ? {} : { orInsert: row }),
    }));
    const parking = this.options.deliveries.write(changes, true).then((refused) => {
      for (const { row } of parked) if (!refused.has(row._id)) row.rev += 1;
    });
    this.#parking = parking;
    await parking;
  }

  /** Resolves when every result so far is stored. */
  async written(): Promise<void> {
    await Promise.allSettled(this.#writes);
  }

  /** Resolves when every try is over and every result is stored. */
  async settled(): Promise<void> {
    while (this.#tries.size + this.#writes.size > 0) {
      await Promise.allSettled([...this.#tries.values(), ...this.#writes]);
    }
  }

  #pump(): void {
    while (!this.#abort.signal.aborted && this.#writes.size < MAX_UNWRITTEN) {
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
      this.#write(outcome);
    } catch (error) {
      this.rows.putBack(delivery.row);
      if (!(error instanceof SendAbortedError)) this.options.log.error({ err: error }, 'try failed');
    } finally {
      this.#tries.delete(delivery);
      this.#loadedBytes -= delivery.body.length;
      slot.end();
      this.#pump();
    }
  }

  async #outcome(delivery: ReadyDelivery): Promise<DeliveryOutcome> {
    // Disabled by the answer to another delivery while this one waited.
    if (delivery.endpoint.row.disabled) {
      return untriedOutcome(delivery.row, 'canceled', 'endpoint_disabled', { stored: delivery.stored });
    }
    const tried = await this.options.tries.run(delivery, this.#abort.signal);
    this.#record(delivery.row, tried);
    const { nextAt } = tried.judgement;
    const q = nextAt === null ? null : waitingPlace(this.lane, nextAt, Date.now(), this.options.handover);
    return triedOutcome(delivery, tried, q);
  }

  #record(row: DeliveryRow, { judgement, durationMs }: TriedDelivery): void {
    this.#report.record(judgement, durationMs);
    const { slowUntil, errorCode } = judgement;
    if (slowUntil !== null) this.#queue.slowDown(row.ep, slowUntil.getTime() - Date.now());
    else if (errorCode === 'timeout') this.#queue.slowDown(row.ep, SLOW_AFTER_TIMEOUT_MS);
  }

  #write(outcome: DeliveryOutcome): void {
    const writing = this.#written(outcome).finally(() => {
      this.#writes.delete(writing);
      this.#pump();
    });
    this.#writes.add(writing);
  }

  async #written(outcome: DeliveryOutcome): Promise<void> {
    try {
      const flushed = await this.options.flush.add(outcome);
      if (flushed === 'written' && outcome.change.q?.l === RETRY_LANE) await this.#handOver(outcome);
      this.rows.finish(outcome.row);
    } catch (error) {
      this.rows.putBack(outcome.row);
      this.options.log.error({ err: error, delivery: outcome.row._id }, 'result lost, it will be sent again');
    }
  }

  // A retry whose workflow cannot be started stays with the lane, on the same schedule.
  async #handOver({ row, endpoint, change }: DeliveryOutcome): Promise<void> {
    const nextAt = new Date(change.q!.at.getTime() - RETRY_GRACE_MS);
    const title = deliveryTitle(row.type, endpoint!.url, row.ep);
    if (await this.options.handover.start(row, title, change.set.n!, nextAt)) return;
    const back = { _id: row._id, rev: row.rev + 1, set: {}, q: { l: this.lane, at: nextAt } };
    await this.options.deliveries.write([back], true);
  }

  #putBack(deliveries: readonly ReadyDelivery[]): void {
    for (const { row, body } of deliveries) {
      this.rows.putBack(row);
      this.#loadedBytes -= body.length;
    }
  }
}
