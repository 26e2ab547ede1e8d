/** A wait that can be cut short from outside; a wake that comes while nobody waits ends the next wait at once. */
export class WakeUp {
  #pending = false;
  #resume: (() => void) | null = null;

  wake(): void {
    if (this.#resume === null) this.#pending = true;
    else this.#resume();
  }

  /** Ends after `ms`, at the next `wake`, or when `signal` fires. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#pending || signal.aborted) {
      this.#pending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const resume = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', resume);
        this.#resume = null;
        resolve();
      };
      const timer = setTimeout(resume, ms);
      signal.addEventListener('abort', resume, { once: true });
      this.#resume = resume;
    });
  }
}
