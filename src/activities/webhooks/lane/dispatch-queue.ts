/** Bounds of what one lane has in hand. */
export interface DispatchLimits {
  /** Tries at a time in the whole lane. */
  lane: number;
  /** Tries at a time at one endpoint. */
  endpoint: number;
  /** Rows kept in memory for one endpoint, so that a backlog of one does not fill the lane. */
  queued: number;
}

/** A try that runs longer than this no longer counts against the lane, only against its endpoint. */
const SLOW_TRY_MS = 1000;

interface EndpointQueue<T> {
  waiting: T[];
  active: number;
  lastDoneMs: number;
  slowUntilMs: number;
  /** Share of the limit while slowed down: 1, 1/2, 1/4, ... */
  share: number;
  /** Rows were left in the store because this endpoint had no room. */
  refused: boolean;
}

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
  #laneActive = 0;
  #queued = 0;
  #active = 0;

  constructor(
    private readonly limits: DispatchLimits,
    /** Called when an endpoint of which `full` or `room` said that it takes no more has room again. */
    private readonly onRoom: () => void = () => undefined,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  get queued(): number {
    return this.#queued;
  }

  get active(): number {
    return this.#active;
  }

  add(endpoint: string, item: T): void {
    const queue = this.#endpoint(endpoint);
    queue.waiting.push(item);
    this.#queued += 1;
    this.#schedule(endpoint, queue);
  }

  /** Endpoints of which no more rows should be read now. */
  full(): string[] {
    const full: string[] = [];
    for (const [id, queue] of this.#endpoints) {
      queue.refused = this.#room(queue) <= 0;
      if (queue.refused) full.push(id);
    }
    return full;
  }

  /** Of rows in order, those their endpoints have room for; the rest stays in the store. */
  withRoom<R extends { ep: string }>(rows: readonly R[]): R[] {
    const left = new Map<string, number>();
    return rows.filter(({ ep }) => {
      const queue = this.#endpoint(ep);
      const room = left.get(ep) ?? this.#room(queue);
      left.set(ep, room - 1);
      if (room <= 0) queue.refused = true;
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
      shed.push(...queue.waiting.splice(this.limits.endpoint));
      if (queue.waiting.length === 0) this.#runnable.delete(id);
    }
    this.#queued -= shed.length;
    return shed;
  }

  /** The next delivery whose endpoint and lane have a free slot; null when there is none. */
  take(): DispatchSlot<T> | null {
    if (this.#laneActive >= this.limits.lane) return null;
    const [id] = this.#runnable;
    if (id === undefined) return null;
    this.#runnable.delete(id);
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
      queue.active -= 1;
      this.#active -= 1;
      queue.lastDoneMs = this.nowMs();
      this.#schedule(id, queue);
      if (queue.refused && queue.waiting.length <= this.limits.queued / 2 && !this.#stalled(queue)) {
        queue.refused = false;
        this.onRoom();
      }
      const idle = queue.active === 0 && queue.waiting.length === 0;
      if (idle && queue.slowUntilMs <= queue.lastDoneMs) this.#endpoints.delete(id);
    };
  }

  #schedule(id: string, queue: EndpointQueue<T>): void {
    if (queue.waiting.length > 0 && queue.active < this.#limit(queue)) this.#runnable.add(id);
  }

  #limit(queue: EndpointQueue<T>): number {
    if (queue.slowUntilMs <= this.nowMs()) return this.limits.endpoint;
    return Math.max(1, Math.floor(this.limits.endpoint * queue.share));
  }

  #room(queue: EndpointQueue<T>): number {
    const limit = this.#stalled(queue) ? this.limits.endpoint : this.limits.queued;
    return limit - queue.waiting.length;
  }

  #stalled(queue: EndpointQueue<T>): boolean {
    return queue.active >= this.#limit(queue) && this.nowMs() - queue.lastDoneMs > SLOW_TRY_MS;
  }

  #endpoint(id: string): EndpointQueue<T> {
    let queue = this.#endpoints.get(id);
    if (queue === undefined) {
      queue = { waiting: [], active: 0, lastDoneMs: this.nowMs(), slowUntilMs: 0, share: 1, refused: false };
      this.#endpoints.set(id, queue);
    }
    return queue;
  }
}
