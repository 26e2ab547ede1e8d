import { Company } from '../../batch/company.js';
import type { CompanyMeasure } from '../../batch/company.js';
import type { DispatchLimits, EndpointLimits } from './dispatch-limits.js';

/** A try that runs longer than this no longer counts against the lane, only against its endpoint. */
export const SLOW_TRY_MS = 1000;

const lower = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.min(a, b));

/** What waits for one endpoint in a lane, and how much of it may go. */
export class EndpointQueue<T> {
  ratePerSec: number | null = null;
  /** Runs while the endpoint waits for its rate. */
  rateTimer: NodeJS.Timeout | undefined;
  active = 0;
  lastDoneMs: number;
  slowUntilMs = 0;
  /** Share of the limit while slowed down: 1, 1/2, 1/4, ... */
  share = 1;
  /** Rows were left in the store because this endpoint had no room. */
  refused = false;
  /** Rows were left in the store since it last had nothing waiting here. */
  crowded = false;
  /** Runs while deliveries wait for company. */
  #companyTimer: NodeJS.Timeout | undefined;
  #concurrency: number;
  readonly #waiting: T[] = [];
  #company: Company<T> | null = null;
  /** Who goes alone and who goes together take turns. */
  #companyIsNext = false;

  constructor(
    private readonly limits: DispatchLimits,
    nowMs: number,
  ) {
    this.#concurrency = limits.endpoint;
    this.lastDoneMs = nowMs;
  }

  get size(): number {
    return this.#waiting.length + (this.#company?.size ?? 0);
  }

  /** It keeps at most half of what it may. */
  get isHalfEmpty(): boolean {
    return this.size <= this.limits.queued / 2;
  }

  add(item: T, wants: EndpointLimits, measure: CompanyMeasure<T>, nowMs: number): void {
    this.#concurrency = Math.min(wants.concurrency ?? this.limits.endpoint, this.limits.most);
    this.ratePerSec = lower(wants.ratePerSec, this.limits.mostPerSec ?? null);
    if (wants.batch == null) return void this.#waiting.push(item);
    this.#company ??= new Company(measure);
    this.#company.add(item, wants.batch, wants.sinceMs ?? nowMs);
  }

  /** How long until something may go as far as company is concerned; null when nothing waits. */
  waitMs(nowMs: () => number): number | null {
    return this.#waiting.length > 0 ? 0 : (this.#company?.waitMs(nowMs()) ?? null);
  }

  /** Takes out what one request is to bring; nothing when what is here still waits for company. */
  next(nowMs: () => number): T[] {
    const company = this.#company?.waitMs(nowMs()) === 0 ? this.#company : null;
    if (company !== null && (this.#companyIsNext || this.#waiting.length === 0)) {
      this.#companyIsNext = false;
      return company.take();
    }
    this.#companyIsNext = company !== null;
    return this.#waiting.splice(0, 1);
  }

  /** Takes out everything; @param rounds but what so many rounds of requests would bring */
  takeOut(rounds = 0): T[] {
    const alone = this.#waiting.splice(rounds * this.#concurrency);
    return [...alone, ...(this.#company?.takeOut(rounds * this.#itemsAtATime) ?? [])];
  }

  /** Calls back when those that wait for company have waited long enough. */
  awaitCompany(waitMs: number, then: () => void): void {
    clearTimeout(this.#companyTimer);
    this.#companyTimer = setTimeout(then, waitMs);
  }

  clearTimers(): void {
    clearTimeout(this.rateTimer);
    clearTimeout(this.#companyTimer);
  }

  /** Requests at a time. @param most bound of the lane, now */
  requestsAtATime(most: number, nowMs: number): number {
    const limit = Math.min(this.#concurrency, most);
    return this.slowUntilMs <= nowMs ? limit : Math.max(1, Math.floor(limit * this.share));
  }

  /** How many more it may keep here. */
  room(stalled: boolean): number {
    if (stalled) return this.#itemsAtATime - this.size;
    // What waits for a rate would only take up memory.
    const { queued } = this.limits;
    const rated = this.ratePerSec === null ? queued : Math.max(2 * this.ratePerSec, 20) * this.#itemsARequest;
    return Math.min(rated, queued) - this.size;
  }

  get #itemsARequest(): number {
    return this.#company?.limits.max ?? 1;
  }

  get #itemsAtATime(): number {
    return this.#concurrency * this.#itemsARequest;
  }
}
