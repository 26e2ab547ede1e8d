interface Waiting<In, Out> {
  item: In;
  resolve: (out: Out) => void;
  reject: (error: unknown) => void;
}

export interface GroupCommitOptions<In, Out> {
  /** Largest group handed to `flush`. */
  maxItems: number;
  /** Writes a group; the answers stand in the order of the items. An `Error` answer rejects that item alone. */
  flush: (items: In[]) => Promise<(Out | Error)[]>;
}

/**
 * Group commit: one flush is in flight at a time and the next group fills meanwhile. An idle committer flushes
 * at once, so a lone item never waits; under load the group size follows from the speed of the disk.
 */
export class GroupCommit<In, Out> {
  #waiting: Waiting<In, Out>[] = [];
  #flushing: Promise<void> | null = null;

  constructor(private readonly options: GroupCommitOptions<In, Out>) {}

  add(item: In): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#flushing ??= this.#drain();
    });
  }

  /** Resolves when everything added so far is answered. */
  async idle(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
  }

  async #drain(): Promise<void> {
    // Items that arrive in the same turn of the event loop belong to the same group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#flush(this.#waiting.splice(0, this.options.maxItems));
    this.#flushing = null;
  }

  async #flush(group: Waiting<In, Out>[]): Promise<void> {
    try {
      const answers = await this.options.flush(group.map((waiting) => waiting.item));
      group.forEach((waiting, i) => {
        const answer = answers[i];
        if (answer === undefined || answer instanceof Error) {
          waiting.reject(answer ?? new Error('group commit: the flush gave no answer for an item'));
        } else waiting.resolve(answer);
      });
    } catch (error) {
      for (const waiting of group) waiting.reject(error);
    }
  }
}
