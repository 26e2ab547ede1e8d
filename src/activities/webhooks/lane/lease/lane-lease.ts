import type { LaneRepository } from '../../../../store/webhooks/lane.repository.js';
import type { LaneRow } from '../../../../store/webhooks/lane.schema.js';
import { isProvablyDead } from './lane-owner.js';

export interface LeaseTimes {
  /** Between two renewals. */
  renewMs: number;
  /** Without a renewal for this long the owner stops. Less than `takeOverMs`, so that two never send at a time. */
  giveUpMs: number;
  /** A lease unchanged for this long, by the watcher's own clock, may be taken. */
  takeOverMs: number;
  /** Between two looks at a lease that somebody else holds. */
  watchMs: number;
}

export const LEASE_TIMES: LeaseTimes = { renewMs: 3000, giveUpMs: 9000, takeOverMs: 12_000, watchMs: 500 };

export interface LeaseRequest {
  lane: string;
  /** Unique for every lease that is asked for (`ownerName`). */
  owner: string;
  /** Where hints are taken; null when nowhere. */
  hintUrl: string | null;
  times?: LeaseTimes;
  /** True takes the lane whoever has it and keeps it whoever took it: the negative control of the crash tests. */
  unchecked?: boolean;
  /** What this process has seen of the lease before. */
  watch?: { unchangedMs(row: LaneRow): number };
}

/**
 * The right to read and send a lane. No wall clocks are compared: an owner shows life by counting, a watcher takes
 * over only after it has itself seen the same count for long enough, or when the owner is provably dead.
 */
export class LaneLease {
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #renewedMs: number;
  #released = false;

  private constructor(
    private readonly lanes: LaneRepository,
    private readonly request: LeaseRequest,
    private readonly times: LeaseTimes,
    /** The fencing number of this ownership. */
    readonly epoch: number,
    takenMs: number,
  ) {
    this.#renewedMs = takenMs;
    this.#schedule();
  }

  /** Fires when the lane must be left at once. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Waits until the lane is free and takes it; null when `signal` fires first. A store that is away is waited for. */
  static async acquire(
    lanes: LaneRepository,
    request: LeaseRequest,
    signal: AbortSignal,
  ): Promise<LaneLease | null> {
    const times = request.times ?? LEASE_TIMES;
    let seen: LaneRow | null = null;
    let sinceMs = 0;
    while (!signal.aborted) {
      const row = await lanes.read(request.lane).catch(() => null);
      if (row !== null) {
        if (seen === null || !isSameLease(seen, row)) sinceMs = performance.now();
        seen = row;
        const unchangedMs = Math.max(performance.now() - sinceMs, request.watch?.unchangedMs(row) ?? 0);
        const nobodys = row.owner === null || row.owner === request.owner;
        const free =
          request.unchecked === true ||
          nobodys ||
          unchangedMs >= times.takeOverMs ||
          isProvablyDead(row.owner!);
        const takenMs = performance.now();
        const taken = free && (await lanes.take(row, request.owner, request.hintUrl).catch(() => 'unknown'));
        if (taken === true) return new LaneLease(lanes, request, times, row.epoch + 1, takenMs);
        // The answer got lost. If the lane was taken all the same, it is given back or taken with the next look.
        if (taken === 'unknown')
          await lanes.release(row._id, request.owner, row.epoch + 1).catch(() => undefined);
      }
      await pause(times.watchMs, signal);
    }
    return null;
  }

  /** Gives the lane up. Harmless after it was lost. */
  async release(): Promise<void> {
    this.#released = true;
    clearTimeout(this.#timer);
    if (this.lost.aborted) return;
    await this.lanes.release(this.request.lane, this.request.owner, this.epoch);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#renew(), this.times.renewMs);
  }

  async #renew(): Promise<void> {
    const startedMs = performance.now();
    if (startedMs - this.#renewedMs >= this.times.giveUpMs) return this.#lose();
    const deadline = setTimeout(() => this.#lose(), this.times.giveUpMs - (startedMs - this.#renewedMs));
    try {
      const renewed = await this.lanes.renew(this.request.lane, this.request.owner, this.epoch);
      if (!renewed && this.request.unchecked !== true) return this.#lose();
      this.#renewedMs = startedMs;
    } catch {
      // The store is away: the deadline runs on from the last renewal that is known.
    } finally {
      clearTimeout(deadline);
    }
    if (this.#released || this.lost.aborted) return;
    if (performance.now() - this.#renewedMs < this.times.renewMs) this.#schedule();
    else this.#timer = setTimeout(() => void this.#renew(), Math.min(this.times.renewMs, 500));
  }

  #lose(): void {
    clearTimeout(this.#timer);
    if (!this.#released) this.#lost.abort(new Error(`lane ${this.request.lane} was lost`));
  }
}

export const isSameLease = (a: LaneRow, b: LaneRow): boolean =>
  a.owner === b.owner && a.epoch === b.epoch && a.beat === b.beat;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
