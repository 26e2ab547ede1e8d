const WINDOW_MS = 60_000;
const BACK_OFF_MS = [200, 500, 1_000, 2_500, 5_000];

/** Decides how long to wait before a crashed process is started again: longer each time, five times a minute. */
export class RestartPolicy {
  #crashes: number[] = [];

  /** Milliseconds to wait, or undefined when this is one crash too many. `now` is a time in milliseconds. */
  onCrash(now: number): number | undefined {
    this.#crashes = this.#crashes.filter((at) => now - at < WINDOW_MS);
    this.#crashes.push(now);
    return BACK_OFF_MS[this.#crashes.length - 1];
  }
}
