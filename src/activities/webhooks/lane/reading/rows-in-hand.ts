/** Longer than a read or an offer can be on its way. */
const REMEMBER_MS = 10_000;

interface Revised {
  _id: string;
  rev: number;
  q?: { at: Date };
}

/**
 * The rows a lane has in hand, from being read until their result is stored, and those that left it lately: a read
 * or an offer that was on its way meanwhile still shows them as they were before.
 */
export class RowsInHand {
  readonly #held = new Set<string>();
  /** Revisions that rows have at least by now. */
  #newer = new Map<string, number>();
  #newerBefore = new Map<string, number>();
  #turnedMs: number;
  #backSinceMs = Number.POSITIVE_INFINITY;

  constructor(private readonly nowMs: () => number = () => performance.now()) {
    this.#turnedMs = nowMs();
  }

  get size(): number {
    return this.#held.size;
  }

  /** False when a row is in hand, or when it is shown as it no longer is. */
  isFree({ _id, rev }: Revised): boolean {
    return !this.#held.has(_id) && rev >= (this.#newer.get(_id) ?? this.#newerBefore.get(_id) ?? 0);
  }

  take({ _id }: Revised): void {
    this.#held.add(_id);
  }

  /** Lets a row go after a change of it was stored. */
  finish({ _id, rev }: Revised): void {
    this.#held.delete(_id);
    if (this.nowMs() - this.#turnedMs >= REMEMBER_MS) {
      this.#turnedMs = this.nowMs();
      this.#newerBefore = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(_id, rev + 1);
  }

  /** Lets a row go as it was taken. */
  putBack({ _id, q }: Revised): void {
    this.#held.delete(_id);
    this.#backSinceMs = Math.min(this.#backSinceMs, q?.at.getTime() ?? 0);
  }

  /** The earliest due time of what was put back since this was last asked, in milliseconds; infinite when nothing was. */
  takeBackSinceMs(): number {
    const since = this.#backSinceMs;
    this.#backSinceMs = Number.POSITIVE_INFINITY;
    return since;
  }
}
