/** A rate with a burst of one second: what was not used in the last second may be used at once. Time is passed in. */
export class TokenBucket {
  #tokens: number;
  #atMs: number;

  /** @param start the tokens there are at first, and since when more come */
  constructor(
    private perSec: number,
    start: { tokens: number; atMs: number },
  ) {
    this.#tokens = start.tokens;
    this.#atMs = start.atMs;
  }

  get ratePerSec(): number {
    return this.perSec;
  }

  /** From now on another rate. */
  setRate(perSec: number, nowMs: number): void {
    if (perSec === this.perSec) return;
    this.#refill(nowMs);
    this.perSec = perSec;
  }

  /** How long until there is a token; 0 when there is one. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) / this.perSec) * 1000);
  }

  /** Takes a token, if there is one: ask `waitMs` first. */
  take(nowMs: number): void {
    this.#refill(nowMs);
    if (this.#tokens >= 1) this.#tokens -= 1;
  }

  #refill(nowMs: number): void {
    const grown = (Math.max(nowMs - this.#atMs, 0) / 1000) * this.perSec;
    this.#tokens = Math.min(this.#tokens + grown, Math.max(this.perSec, 1));
    this.#atMs = nowMs;
  }
}
