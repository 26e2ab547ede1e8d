import { TokenBucket } from '../../../../domain/token-bucket.js';
import type { CompanyMeasure } from '../../batch/company.js';
import type { DispatchLimits, EndpointLimits, QueueEvents } from './dispatch-limits.js';
import { EndpointQueue, SLOW_TRY_MS } from './endpoint-queue.js';

const NO_WISHES: EndpointLimits = { concurrency: null, ratePerSec: null };

/** One started request; `end` must be called once. */
export interface DispatchSlot<T> {
  /** What it brings: one, or several of an endpoint that takes them together. */
  items: T[];
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
    private readonly measure: CompanyMeasure<T> = { followers: () => 0, bytes: () => 0 },
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
    queue.add(item, wants, this.measure, this.nowMs());
    this.#queued += 1;
    this.#schedule(endpoint, queue);
  }

  /** What waits for an endpoint has more followers than before. */
  recheck(endpoint: string): void {
    const queue = this.#endpoints.get(endpoint);
    if (queue !== undefined) this.#schedule(endpoint, queue);
  }

  /** Endpoints of which no more rows should be read now. One that was full stays so until half of it is gone. */
  full(): string[] {
    const full: string[] = [];
    for (const [id, queue] of this.#endpoints) {
      if (this.#room(queue) <= 0) queue.refused = true;
      else if (queue.isHalfEmpty) queue.refused = false;
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
      shed.push(...queue.takeOut(1));
      if (queue.size === 0) this.#runnable.delete(id);
    }
    this.#queued -= shed.length;
    return shed;
  }

  /** The next request whose endpoint and lane have a free slot; null when there is none. */
  take(): DispatchSlot<T> | null {
    if (this.#laneActive >= this.limits.lane) return null;
    const id = this.#nextInTurn();
    if (id === null) return null;
    const queue = this.#endpoints.get(id)!;
    const items = queue.next(this.nowMs);
    this.#queued -= items.length;
    this.#active += 1;
    this.#laneActive += 1;
    if (queue.active === 0) queue.lastDoneMs = this.nowMs();
    queue.active += 1;
    this.#schedule(id, queue);
    return { items, end: this.#ending(id, queue) };
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
    const waiting = this.#endpoints.get(endpoint)?.takeOut() ?? [];
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
    const waiting = [...this.#endpoints.values()].flatMap((queue) => queue.takeOut());
    for (const queue of this.#endpoints.values()) queue.clearTimers();
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
    if (queue.size === 0) queue.crowded = false;
    this.#schedule(id, queue);
    if (queue.refused && queue.isHalfEmpty && !this.#stalled(queue)) {
      queue.refused = false;
      this.on.room?.();
    }
    const idle = queue.active === 0 && queue.size === 0;
    if (idle && queue.slowUntilMs <= queue.lastDoneMs) this.#endpoints.delete(id);
  }

  /** The endpoint whose turn it is and whose rate allows a try; those whose rate does not come back by themselves. */
  #nextInTurn(): string | null {
    for (const id of this.#runnable) {
      this.#runnable.delete(id);
      const queue = this.#endpoints.get(id)!;
      if (queue.waitMs(this.nowMs) !== 0) continue;
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
    if (queue.rateTimer !== undefined || queue.active >= this.#limit(queue)) return;
    const waitMs = queue.waitMs(this.nowMs);
    if (waitMs === 0) this.#runnable.add(id);
    else if (waitMs !== null) {
      queue.awaitCompany(waitMs, () => {
        this.#schedule(id, queue);
        this.on.runnable?.();
      });
    }
  }

  #limit(queue: EndpointQueue<T>): number {
    return queue.requestsAtATime(this.on.most?.() ?? Number.POSITIVE_INFINITY, this.nowMs());
  }

  #room(queue: EndpointQueue<T>): number {
    return queue.room(this.#stalled(queue));
  }

  #stalled(queue: EndpointQueue<T>): boolean {
    return queue.active >= this.#limit(queue) && this.nowMs() - queue.lastDoneMs > SLOW_TRY_MS;
  }

  #endpoint(id: string): EndpointQueue<T> {
    let queue = this.#endpoints.get(id);
    if (queue === undefined) {
      queue = new EndpointQueue(this.limits, this.nowMs());
      this.#endpoints.set(id, queue);
    }
    return queue;
  }
}
