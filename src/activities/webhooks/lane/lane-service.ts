import type { LaneCounts } from '../../../contracts/webhooks/dispatch.js';
import type { OfferedMessage } from '../../../contracts/webhooks/lane-offer.js';
import { newId } from '../../../platform/ids.js';
import { LaneLease } from './lease/lane-lease.js';
import { LaneLoop } from './lane-loop.js';
import type { LaneLoopOptions } from './lane-loop.js';
import type { LaneMemory, LaneRound } from './lane-round.js';
import { ownerName } from './lease/lane-owner.js';
import type { LeaseRequest, LeaseTimes } from './lease/lane-lease.js';
import type { LaneWatch } from './lease/lane-watch.js';
import { RowsInHand } from './reading/rows-in-hand.js';
import { offeredDeliveries } from './reading/offered-delivery.js';

export interface LaneServiceOptions extends LaneLoopOptions {
  /** Where this process takes hints for a lane; null when it takes none. */
  hintUrl: (lane: string) => string | null;
  watch?: LaneWatch;
  /** False sends from lanes that somebody else owns: the negative control of the crash tests. */
  leaseCheck?: boolean;
  times?: LeaseTimes;
}

/** The lane loops of this process. */
export class LaneService {
  readonly #running = new Map<string, Set<LaneLoop>>();
  /** Shared by the loops of a lane that follow each other in this process. */
  readonly #memories = new Map<string, LaneMemory>();
  readonly #settling = new Set<Promise<void>>();

  constructor(private readonly options: LaneServiceOptions) {}

  /** Serves a lane until `forMs` have passed, `stop` fires or the lane is lost. */
  async run(
    lane: string,
    stop: AbortSignal,
    forMs: number,
    onCounts?: (counts: LaneCounts) => void,
    round?: LaneRound,
  ): Promise<LaneCounts> {
    const loop = new LaneLoop(this.options, this.#request(lane), this.memory(lane), round);
    const loops = this.#running.get(lane) ?? new Set();
    this.#running.set(lane, loops.add(loop));
    const beat = setInterval(() => onCounts?.(loop.counts()), 2000);
    try {
      return await loop.run(stop, forMs);
    } finally {
      clearInterval(beat);
      loops.delete(loop);
      const settling = loop.settled().finally(() => this.#settling.delete(settling));
      this.#settling.add(settling);
    }
  }

  /** Does something as the owner of a lane. Null when the lane could not be had before `stop` fired. */
  async asOwner<T>(
    lane: string,
    stop: AbortSignal,
    work: (lost: AbortSignal) => Promise<T>,
  ): Promise<T | null> {
    const lease = await LaneLease.acquire(this.options.lanes, this.#request(lane), stop);
    if (lease === null) return null;
    try {
      return await work(lease.lost);
    } finally {
      await lease.release();
    }
  }

  /** What this process remembers of a lane. */
  memory(lane: string): LaneMemory {
    let memory = this.#memories.get(lane);
    if (memory === undefined) {
      memory = { rows: new RowsInHand(), fifo: { completeThrough: null } };
      this.#memories.set(lane, memory);
    }
    return memory;
  }

  #request(lane: string): LeaseRequest {
    const { hintUrl, times, watch, leaseCheck } = this.options;
    return {
      ...{ lane, owner: ownerName(newId('wrk')), hintUrl: hintUrl(lane) },
      ...(leaseCheck === false ? { unchecked: true } : {}),
      ...(times === undefined ? {} : { times }),
      ...(watch === undefined ? {} : { watch }),
    };
  }

  /** There is work in a lane. */
  wake(lane: string): void {
    for (const loop of this.#running.get(lane) ?? []) loop.wake();
  }

  /** Messages told with a hint, to be sent without being read. False when they must be read. */
  offer(lane: string, messages: readonly OfferedMessage[]): boolean {
    const offers = messages.flatMap((message) => offeredDeliveries(lane, message));
    return [...(this.#running.get(lane) ?? [])].some((loop) => loop.offer(offers));
  }

  /** Whether a loop of this process serves the lane or waits for its lease. */
  isRunning(lane: string): boolean {
    return (this.#running.get(lane)?.size ?? 0) > 0;
  }

  /** Resolves when no try of this process is on its way and every result is written. */
  async settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.allSettled(this.#settling);
  }
}
