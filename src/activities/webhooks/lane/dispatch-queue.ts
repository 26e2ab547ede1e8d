import { TokenBucket } from '../../../domain/token-bucket.js';
import type { DispatchLimits, EndpointLimits, QueueEvents } from './dispatch-limits.js';
import { emptyQueue } from './endpoint-queue.js';
import type { EndpointQueue } from './endpoint-queue.js';

/** A try that runs longer than this no longer counts against the lane, only against its endpoint. */
const SLOW_TRY_MS = 1000;

const lower = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.min(a, b));
const NO_WISHES: EndpointLimits = { concurrency: null, ratePerSec: null };

/** One started try; `end` must be called once. */
export interface DispatchSlot<T> {
  item: T;
  end(): void;
}

/**
 * Hands out deliveries fairly: endpoints take turns, each has its own limit, and an endpoint that hangs keeps its own
 * slots only. Its tries give their lane slot back after a second, so a slow receiver does not slow down the others.
 */
export class DispatchQueue<T> {
  readonly #endpoints = new Map<string, EndpointQueue<T>>();
  /** Endpoints with something to send and a free slot, in turn. */
  readonly #runnable = new Set<string>();
  readonly #buckets = new Map<string, TokenBucket>();
  /** Rates are kept from here on: a new owner of a lane does not start with a burst. */
  readonly #bornMs: number;
  #laneActive = 0;
  #queued = 0;
  #active = 0;

  constructor(
    private readonly limits: DispatchLimits,
    private readonly on: QueueEvents = {},
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#bornMs = nowMs();
  }

  get queued(): number {
    return this.#queued;
  }

  get active(): number {
    return this.#active;
  }

  add(endpoint: string, item: T, wants: EndpointLimits = NO_WISHES): void {
    const queue = this.#endpoint(endpoint);
    queue.concurrency = Math.min(wants.concurrency ?? this.limits.endpoint, this.limits.most);
    queue.ratePerSec = lower(wants.ratePerSec, this.limits.mostPerSec ?? null);
    queue.waiting.push(item);
    this.#queued += 1;
    this.#schedule(endpoint, queue);
  }

  /** Endpoints of which no more rows should be read now. */
  full(): string[] {
    const full: string[] = [];
    for (const [id, queue] of this.#endpoints) {
      queue.refused = this.#room(queue) <= 0;
      if (!queue.refused) continue;
      queue.crowded = true;
      full.push(id);
    }
    return full;
  }

  /** Endpoints that have had more waiting than they may keep here for a while. */
  crowded(): string[] {
    return [...this.#endpoints].filter(([, queue]) => queue.crowded).map(([id]) => id);
  }

  /** Of rows in order, those their endpoints have room for; the rest stays in the store. */
  withRoom<R extends { ep: string }>(rows: readonly R[]): R[] {
    const left = new Map<string, number>();
    return rows.filter(({ ep }) => {
      const queue = this.#endpoint(ep);
      const room = left.get(ep) ?? this.#room(queue);
      left.set(ep, room - 1);
      if (room <= 0) queue.refused = queue.crowded = true;
      return room > 0;
    });
  }

  /**
   * Takes back what waits behind endpoints that answer nothing at all, but for one round of tries: it is still in
   * the store and would only take up memory here.
   */
  shed(): T[] {
    const shed: T[] = [];
    for (const [id, queue] of this.#endpoints) {
      if (!this.#stalled(queue)) continue;
      shed.push(...queue.waiting.splice(queue.concurrency));
      if (queue.waiting.length === 0) this.#runnable.delete(id);
    }
    this.#queued -= shed.length;
    return shed;
  }

  /** The next delivery whose endpoint and lane have a free slot; null when there is none. */
  take(): DispatchSlot<T> | null {
    if (this.#laneActive >= this.limits.lane) return null;
    const id = this.#nextInTurn();
    if (id === null) return null;
    const queue = this.#endpoints.get(id)!;
    const item = queue.waiting.shift()!;
    this.#queued -= 1;
    this.#active += 1;
    this.#laneActive += 1;
    if (queue.active === 0) queue.lastDoneMs = this.nowMs();
    queue.active += 1;
    this.#schedule(id, queue);
    return { item, end: this.#ending(id, queue) };
  }

  /** Takes up a slot of an endpoint for a try that somebody else makes. @returns what gives it back */
  occupy(endpoint: string): () => void {
    const queue = this.#endpoint(endpoint);
    queue.active += 1;
    return () => {
      this.#freed(endpoint, queue);
      this.on.runnable?.();
    };
  }

  /** Takes out what waits for one endpoint. */
  remove(endpoint: string): T[] {
    const waiting = this.#endpoints.get(endpoint)?.waiting.splice(0) ?? [];
    this.#queued -= waiting.length;
    this.#runnable.delete(endpoint);
    return waiting;
  }

  /** Halves the rate of an endpoint until a time. */
  slowDown(endpoint: string, forMs: number): void {
    const queue = this.#endpoint(endpoint);
    const now = this.nowMs();
    queue.share = (queue.slowUntilMs > now ? queue.share : 1) / 2;
    queue.slowUntilMs = Math.max(queue.slowUntilMs, now + forMs);
  }

  /** Takes out everything that waits. */
  clear(): T[] {
    const waiting = [...this.#endpoints.values()].flatMap((queue) => queue.waiting.splice(0));
    for (const queue of this.#endpoints.values()) clearTimeout(queue.rateTimer);
    this.#runnable.clear();
    this.#queued = 0;
    return waiting;
  }

  #ending(id: string, queue: EndpointQueue<T>): () => void {
    let holdsLane = true;
    const leaveLane = () => {
      if (holdsLane) this.#laneActive -= 1;
      holdsLane = false;
    };
    const slow = setTimeout(leaveLane, SLOW_TRY_MS);
    return () => {
      clearTimeout(slow);
      leaveLane();
      this.#active -= 1;
      this.#freed(id, queue);
    };
  }

  #freed(id: string, queue: EndpointQueue<T>): void {
    queue.active -= 1;
    queue.lastDoneMs = this.nowMs();
    if (queue.waiting.length === 0) queue.crowded = false;
    this.#schedule(id, queue);
    if (queue.refused && queue.waiting.length <= this.limits.queued / 2 && !this.#stalled(queue)) {
      queue.refused = false;
      this.on.room?.();
    }
    const idle = queue.active === 0 && queue.waiting.length === 0;
    if (idle && queue.slowUntilMs <= queue.lastDoneMs) this.#endpoints.delete(id);
  }

  /** The endpoint whose turn it is and whose rate allows a try; those whose rate does not come back by themselves. */
  #nextInTurn(): string | null {
    for (const id of this.#runnable) {
      this.#runnable.delete(id);
      const queue = this.#endpoints.get(id)!;
      const bucket = this.#bucket(id, queue);
      const waitMs = bucket?.waitMs(this.nowMs()) ?? 0;
      if (waitMs === 0) {
        bucket?.take(this.nowMs());
        return id;
      }
      queue.rateTimer = setTimeout(() => {
        queue.rateTimer = undefined;
        this.#schedule(id, queue);
        this.on.runnable?.();
      }, waitMs);
    }
    return null;
  }

  #bucket(id: string, queue: EndpointQueue<T>): TokenBucket | undefined {
    if (queue.ratePerSec === null) return undefined;
    const rate = queue.ratePerSec * (queue.slowUntilMs > this.nowMs() ? Math.max(queue.share, 0.02) : 1);
    let bucket = this.#buckets.get(id);
    if (bucket === undefined) {
      bucket = new TokenBucket(rate, { tokens: 1, atMs: this.#bornMs });
      this.#buckets.set(id, bucket);
    }
    bucket.setRate(rate, this.nowMs());
    return bucket;
  }

  #schedule(id: string, queue: EndpointQueue<T>): void {
    const isFree = queue.rateTimer === undefined && queue.active < this.#limit(queue);
    if (queue.waiting.length > 0 && isFree) this.#runnable.add(id);
  }

  #limit(queue: EndpointQueue<T>): number {
    const limit = Math.min(queue.concurrency, this.on.most?.() ?? Number.POSITIVE_INFINITY);
    if (queue.slowUntilMs <= this.nowMs()) return limit;
    return Math.max(1, Math.floor(limit * queue.share));
  }

  #room(queue: EndpointQueue<T>): number {
    if (this.#stalled(queue)) return queue.concurrency - queue.waiting.length;
    // What waits for a rate would only take up memory.
    const rated = queue.ratePerSec === null ? this.limits.queued : Math.max(2 * queue.ratePerSec, 20);
    return Math.min(rated, this.limits.queued) - queue.waiting.length;
  }

  #stalled(queue: EndpointQueue<T>): boolean {
    return queue.active >= this.#limit(queue) && this.nowMs() - queue.lastDoneMs > SLOW_TRY_MS;
  }

  #endpoint(id: string): EndpointQueue<T> {
    let queue = this.#endpoints.get(id);
    if (queue === undefined) {
      queue = emptyQueue<T>(this.limits.endpoint, this.nowMs());
      this.#endpoints.set(id, queue);
    }
    return queue;
  }
}
