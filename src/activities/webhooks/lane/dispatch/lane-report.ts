import type { LaneCounts } from '../../../../contracts/webhooks/dispatch.js';
import type { Judgement } from '../../../../domain/webhooks/answer.js';

const SAMPLES = 1024;

/** Counts what a lane did, and keeps the latest durations for percentiles. */
export class LaneReport {
  #sent = 0;
  #ok = 0;
  #failed = 0;
  #retried = 0;
  readonly #durationsMs: number[] = [];
  #next = 0;

  record(judgement: Judgement, durationMs: number): void {
    this.#sent += 1;
    if (judgement.state === 'delivered') this.#ok += 1;
    else if (judgement.state === 'retrying') this.#retried += 1;
    else this.#failed += 1;
    this.#durationsMs[this.#next % SAMPLES] = durationMs;
    this.#next += 1;
  }

  /** @param oldestDueSec age of the longest due row at the last look */
  counts(oldestDueSec: number): LaneCounts {
    const sorted = this.#durationsMs.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0;
    return {
      sent: this.#sent,
      ok: this.#ok,
      failed: this.#failed,
      retried: this.#retried,
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      oldestDueSec,
    };
  }
}
