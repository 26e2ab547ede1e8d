interface Waiting<In, Out> {
  items: readonly In[];
  sinceMs: number;
  resolve: (answers: (Out | Error)[]) => void;
  reject: (error: unknown) => void;
}

export interface GroupCommitOptions<In, Out> {
  /** A group is full at this many items; items that were added together stay together and may go over it. */
  maxItems: number;
  /** Writes a group; the answers stand in the order of the items. An `Error` answer rejects that item alone. */
  flush: (items: In[]) => Promise<(Out | Error)[]>;
  /** Whether those who have waited so long behind a flush that failed get its error, instead of a flush of their own. */
  failsToo?: (error: unknown, waitedMs: number) => boolean;
}

/**
 * Group commit: one flush is in flight at a time and the next group fills meanwhile. An idle committer flushes
 * at once, so a lone item never waits; under load the group size follows from the speed of the disk.
 */
export class GroupCommit<In, Out> {
  #waiting: Waiting<In, Out>[] = [];
  #flushing: Promise<void> | null = null;

  constructor(private readonly options: GroupCommitOptions<In, Out>) {}

  async add(item: In): Promise<Out> {
    const [answer] = await this.addAll([item]);
    if (answer === undefined || answer instanceof Error) throw answer ?? noAnswer();
    return answer;
  }

  /** Adds items that one flush writes together; an `Error` in the answers stands for that item alone. */
  addAll(items: readonly In[]): Promise<(Out | Error)[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, sinceMs: performance.now(), resolve, reject });
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
    while (this.#waiting.length > 0) await this.#flush(this.#nextGroup());
    this.#flushing = null;
  }

  #nextGroup(): Waiting<In, Out>[] {
    let count = 0;
    let end = 0;
    while (end < this.#waiting.length) {
      count += this.#waiting[end]?.items.length ?? 0;
      if (end > 0 && count > this.options.maxItems) break;
      end++;
    }
    return this.#waiting.splice(0, end);
  }

  async #flush(group: Waiting<In, Out>[]): Promise<void> {
    try {
      const answers = await this.options.flush(group.flatMap((waiting) => waiting.items));
      let at = 0;
      for (const { items, resolve } of group) {
        resolve(items.map((_, i) => answers[at + i] ?? noAnswer()));
        at += items.length;
      }
    } catch (error) {
      for (const waiting of [...group, ...this.#failing(error)]) waiting.reject(error);
    }
  }

  /** Takes those out of the queue that fail with the flush before them. */
  #failing(error: unknown): Waiting<In, Out>[] {
    const now = performance.now();
    const { failsToo = () => false } = this.options;
    const { fail = [], stay = [] } = Object.groupBy(this.#waiting, ({ sinceMs }) =>
      failsToo(error, now - sinceMs) ? 'fail' : 'stay',
    );
    this.#waiting = stay;
    return fail;
  }
}

const noAnswer = () => new Error('group commit: the flush gave no answer for an item');
