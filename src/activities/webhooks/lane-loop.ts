import type { Logger } from 'pino';
import { RETRY_LANE } from '../../contracts/webhooks/delivery.js';
import type { LaneCounts } from '../../contracts/webhooks/dispatch.js';
import { deliveryTitle } from '../../domain/webhooks/delivery-title.js';
import { webhookMetrics } from '../../platform/metrics.js';
import type { DeliveryRepository } from '../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { LaneRepository } from '../../store/webhooks/lane.repository.js';
import { triedOutcome, untriedOutcome } from './delivery-outcome.js';
import type { DeliveryOutcome } from './delivery-outcome.js';
import type { DeliveryTry, ReadyDelivery, TriedDelivery } from './delivery-try.js';
import { DispatchQueue } from './dispatch-queue.js';
import type { DispatchLimits, DispatchSlot } from './dispatch-queue.js';
import { SendAbortedError, TRY_TIMEOUT_MS } from './http-sender.js';
import { LaneLease } from './lane-lease.js';
import type { LeaseRequest } from './lane-lease.js';
import type { LanePages } from './lane-page.js';
import { LaneReader } from './lane-reader.js';
import { LaneReport } from './lane-report.js';
import type { ResultFlush } from './result-flush.js';
import { RETRY_GRACE_MS, waitingPlace } from './retry-handover.js';
import type { RetryHandover } from './retry-handover.js';
import { WakeUp } from './wake-up.js';

export interface LaneLoopOptions {
  lanes: LaneRepository;
  deliveries: DeliveryRepository;
  pages: LanePages;
  tries: DeliveryTry;
  flush: ResultFlush;
  handover: RetryHandover;
  log: Logger;
  limits?: DispatchLimits;
}

export const DISPATCH_LIMITS: DispatchLimits = { lane: 128, endpoint: 20, queued: 1000 };

/** Rows loaded together: payloads of this many are in memory before any of them is on its way. */
const LOAD_ROWS = 64;
const MAX_KNOWN_ROWS = 5000;
const MAX_LOADED_BYTES = 16 * 1024 * 1024;
const POLL_MS = { afterFullPage: 5, first: 40, idle: 250 };
/** An endpoint that hangs gets fewer tries at a time for this long. */
const SLOW_AFTER_TIMEOUT_MS = 60_000;
/** When a lane is left, tries that end within this time are written before it is given up. */
const LEAVE_MS = 250;
/** Tries that last longer are the next owner's to repeat only after they must have ended. */
const PARK_MS = TRY_TIMEOUT_MS + 10_000;

/**
 * Serves one lane under its lease: reads due rows, sends them, writes results. A plain class: an activity runs it,
 * and a worker that cannot reach Temporal runs it too. One loop serves one ownership of the lane.
 */
export class LaneLoop {
  readonly #queue: DispatchQueue<ReadyDelivery>;
  readonly #reader: LaneReader;
  readonly #report = new LaneReport();
  readonly #wakeUp = new WakeUp();
  /** Rows from being read until their result is stored: they are skipped when read again. */
  readonly #known = new Set<string>();
  /** Rows that left our hands while a read was on its way: it may still show them as they were before. */
  readonly #leftWhileReading = new Set<string>();
  readonly #tries = new Map<DeliveryRow, Promise<void>>();
  readonly #writes = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #parking: Promise<unknown> | null = null;
  #loadedBytes = 0;

  constructor(
    private readonly options: LaneLoopOptions,
    private readonly request: LeaseRequest,
  ) {
    this.#reader = new LaneReader(options.deliveries, request.lane);
    this.#queue = new DispatchQueue(options.limits ?? DISPATCH_LIMITS, () => {
      this.#reader.rewind();
      this.wake();
    });
  }

  /** Looks for due rows at once. */
  wake(): void {
    this.#wakeUp.wake();
  }

  counts(): LaneCounts {
    this.#report.oldestDueSec = this.#reader.oldestDueSec;
    return this.#report.counts();
  }

  /** Serves the lane until `forMs` have passed, `stop` fires, or the lease is lost. */
  async run(stop: AbortSignal, forMs: number): Promise<LaneCounts> {
    const untilMs = performance.now() + forMs;
    const lease = await LaneLease.acquire(
      this.options.lanes,
      this.request,
      AbortSignal.any([stop, AbortSignal.timeout(forMs)]),
    );
    if (lease === null) return this.counts();
    lease.lost.addEventListener('abort', () => this.#abort.abort());
    try {
      await this.#serve(AbortSignal.any([stop, lease.lost]), untilMs);
    } finally {
      await this.#leave(lease);
    }
    return this.counts();
  }

  /** Resolves when every try is over and written, those that outlast the lease too. */
  async settled(): Promise<void> {
    while (this.#tries.size + this.#writes.size > 0) {
      await Promise.allSettled([...this.#tries.values(), ...this.#writes]);
    }
  }

  async #serve(stop: AbortSignal, untilMs: number): Promise<void> {
    let idleMs = POLL_MS.first;
    while (!stop.aborted && performance.now() < untilMs) {
      const { found, full } = await this.#fill();
      if (found === 0) idleMs = Math.min(idleMs * 2, POLL_MS.idle);
      else idleMs = full ? POLL_MS.afterFullPage : POLL_MS.first;
      await this.#wakeUp.wait(idleMs, stop);
    }
  }

  async #fill(): Promise<{ found: number; full: boolean }> {
    for (const { row, body } of this.#queue.shed()) this.#forget(row, body.length);
    if (this.#known.size >= MAX_KNOWN_ROWS || this.#loadedBytes >= MAX_LOADED_BYTES) {
      return { found: 0, full: false };
    }
    this.#leftWhileReading.clear();
    const { rows, full } = await this.#reader.read(this.#queue.full());
    const inHand = ({ _id }: DeliveryRow) => this.#known.has(_id) || this.#leftWhileReading.has(_id);
    const fresh = this.#queue.withRoom(rows.filter((row) => !inHand(row)));
    for (const row of fresh) this.#known.add(row._id);
    for (let from = 0; from < fresh.length; from += LOAD_ROWS) {
      const part = fresh.slice(from, from + LOAD_ROWS);
      if (this.#loadedBytes < MAX_LOADED_BYTES) await this.#load(part);
      else for (const row of part) this.#forget(row, 0);
    }
    return { found: fresh.length, full };
  }

  async #load(rows: readonly DeliveryRow[]): Promise<void> {
    const { ready, untried } = await this.options.pages.load(rows);
    for (const outcome of untried) this.#write(outcome);
    for (const delivery of ready) {
      this.#loadedBytes += delivery.body.length;
      this.#queue.add(delivery.row.ep, delivery);
    }
    this.#pump();
  }

  #pump(): void {
    if (this.#abort.signal.aborted) return;
    for (let slot = this.#queue.take(); slot !== null; slot = this.#queue.take()) {
      const { row } = slot.item;
      this.#tries.set(
        row,
        this.#try(slot).finally(() => this.#tries.delete(row)),
      );
    }
  }

  async #try(slot: DispatchSlot<ReadyDelivery>): Promise<void> {
    const { row, endpoint, body } = slot.item;
    try {
      // Disabled by the answer to another delivery while this one waited.
      if (endpoint.row.disabled) {
        this.#write(untriedOutcome(row, 'canceled', 'endpoint_disabled'), body.length);
        return;
      }
      const tried = await this.options.tries.run(slot.item, this.#abort.signal);
      if (this.#parking !== null) await this.#parking;
      this.#record(row, tried);
      this.#write(this.#outcome(slot.item, tried), body.length);
    } catch (error) {
      this.#forget(row, body.length);
      if (!(error instanceof SendAbortedError)) this.options.log.error({ err: error }, 'try failed');
    } finally {
      slot.end();
      this.#pump();
    }
  }

  #record(row: DeliveryRow, { judgement, durationMs }: TriedDelivery): void {
    this.#report.record(judgement, durationMs);
    const { slowUntil, errorCode } = judgement;
    if (slowUntil !== null) this.#queue.slowDown(row.ep, slowUntil.getTime() - Date.now());
    else if (errorCode === 'timeout') this.#queue.slowDown(row.ep, SLOW_AFTER_TIMEOUT_MS);
  }

  #outcome({ row, endpoint }: ReadyDelivery, { attempt, judgement }: TriedDelivery): DeliveryOutcome {
    const { nextAt } = judgement;
    const lane = this.request.lane;
    const q = nextAt === null ? null : waitingPlace(lane, nextAt, Date.now(), this.options.handover);
    return triedOutcome(row, endpoint, attempt, judgement, q);
  }

  #write(outcome: DeliveryOutcome, bodyBytes = 0): void {
    const writing = this.#written(outcome).finally(() => {
      this.#forget(outcome.row, bodyBytes);
      this.#writes.delete(writing);
    });
    this.#writes.add(writing);
  }

  async #written(outcome: DeliveryOutcome): Promise<void> {
    try {
      const flushed = await this.options.flush.add(outcome);
      if (flushed === 'written' && outcome.change.q?.l === RETRY_LANE) await this.#handOver(outcome);
    } catch (error) {
      this.options.log.error({ err: error, delivery: outcome.row._id }, 'result lost, it will be sent again');
    }
  }

  // A retry whose workflow cannot be started stays with the lane, on the same schedule.
  async #handOver({ row, endpoint, change }: DeliveryOutcome): Promise<void> {
    const nextAt = new Date(change.q!.at.getTime() - RETRY_GRACE_MS);
    const title = deliveryTitle(row.type, endpoint!.url, row.ep);
    if (await this.options.handover.start(row, title, change.set.n!, nextAt)) return;
    const back = { _id: row._id, rev: row.rev + 1, set: {}, q: { l: this.request.lane, at: nextAt } };
    await this.options.deliveries.write([back], true);
  }

  #forget(row: DeliveryRow, bodyBytes: number): void {
    this.#known.delete(row._id);
    this.#leftWhileReading.add(row._id);
    this.#loadedBytes -= bodyBytes;
  }

  /** Gives the lane up: what ends soon is written first, what lasts is set aside for as long as it can last. */
  async #leave(lease: LaneLease): Promise<void> {
    for (const { row, body } of this.#queue.clear()) this.#forget(row, body.length);
    if (lease.lost.aborted) {
      webhookMetrics.leaseLost.inc();
      return;
    }
    try {
      await this.#triesEndWithin(LEAVE_MS);
      await this.#park();
      await Promise.allSettled(this.#writes);
    } catch (error) {
      this.options.log.warn({ err: error, lane: this.request.lane }, 'lane not left in order');
      await this.settled();
    }
    await lease.release();
  }

  async #triesEndWithin(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([Promise.allSettled(this.#tries.values()), timeout]);
    clearTimeout(timer);
  }

  async #park(): Promise<void> {
    const rows = [...this.#tries.keys()];
    if (rows.length === 0) return;
    const q = { l: this.request.lane, at: new Date(Date.now() + PARK_MS) };
    const changes = rows.map(({ _id, rev }) => ({ _id, rev, set: {}, q }));
    const parking = this.options.deliveries.write(changes, true).then((refused) => {
      for (const row of rows) if (!refused.has(row._id)) row.rev += 1;
    });
    this.#parking = parking;
    await parking;
  }
}
