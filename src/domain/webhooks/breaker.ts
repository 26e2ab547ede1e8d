import type { BreakerPolicy } from '../../contracts/webhooks/endpoint-policy.js';
import type { AttemptErrorCode } from '../../contracts/webhooks/delivery.js';

export const DEFAULT_BREAKER: BreakerPolicy = {
  failurePercent: 70,
  minTries: 10,
  windowSec: 30,
  connectFailures: 5,
};

const SLICES = 6;
const NOT_REACHED = new Set<AttemptErrorCode | null>([
  'connection_refused',
  'connection_reset',
  'dns_error',
  'tls_error',
]);

interface Slice {
  number: number;
  tries: number;
  failures: number;
}

/** Decides from the latest tries whether an endpoint is down. Time is passed in. */
export class BreakerWindow {
  #slices: Slice[] = [];
  #notReached = 0;

  /** @returns whether the endpoint is to be taken for down now */
  record(errorCode: AttemptErrorCode | null, ok: boolean, nowMs: number, policy = DEFAULT_BREAKER): boolean {
    this.#notReached = NOT_REACHED.has(errorCode) ? this.#notReached + 1 : 0;
    const slice = this.#slice(nowMs, policy.windowSec);
    slice.tries += 1;
    if (ok) return false;
    slice.failures += 1;
    if (this.#notReached >= policy.connectFailures) return true;
    let tries = 0;
    let failures = 0;
    for (const one of this.#slices) {
      tries += one.tries;
      failures += one.failures;
    }
    return tries >= policy.minTries && failures * 100 >= tries * policy.failurePercent;
  }

  #slice(nowMs: number, windowSec: number): Slice {
    const number = Math.floor((nowMs * SLICES) / (windowSec * 1000));
    const last = this.#slices.at(-1);
    if (last?.number === number) return last;
    this.#slices = this.#slices.filter((slice) => slice.number > number - SLICES);
    const slice = { number, tries: 0, failures: 0 };
    this.#slices.push(slice);
    return slice;
  }
}

/** Failed tries in a row that end a drain. */
const STOP_AFTER = 5;

/** How fast a receiver that is back is sent what waited: 1, 2, 4, ... at a time while it takes everything. */
export class DrainRamp {
  #concurrency = 1;
  #taken = 0;
  #failed = 0;

  get concurrency(): number {
    return this.#concurrency;
  }

  /** Whether it failed so often in a row that it is down again. */
  get isOver(): boolean {
    return this.#failed >= STOP_AFTER;
  }

  record(ok: boolean): void {
    if (!ok) {
      this.#failed += 1;
      this.#taken = 0;
      this.#concurrency = Math.max(1, Math.floor(this.#concurrency / 2));
      return;
    }
    this.#failed = 0;
    this.#taken += 1;
    if (this.#taken < this.#concurrency) return;
    this.#taken = 0;
    this.#concurrency = Math.min(this.#concurrency * 2, 1024);
  }
}

/** The wait before the next probe: doubling, later by up to a fifth, and not before the receiver wants it. */
export function probeWaitMs(
  probeNo: number,
  random: number,
  { firstMs, maxMs }: { firstMs: number; maxMs: number },
  retryAfterMs = 0,
): number {
  const waitMs = Math.min(firstMs * 2 ** Math.min(probeNo, 30), maxMs);
  return Math.max(Math.round(waitMs * (1 + 0.2 * random)), retryAfterMs);
}
