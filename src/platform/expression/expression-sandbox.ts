import type { ExpressionFault } from './expression-job.js';
import { ExpressionRunner } from './expression-runner.js';

export interface ExpressionResult {
  /** JSON text. */
  body: string;
  /** What `$withHeaders` was given; not checked. */
  headers: Record<string, unknown>;
}

/** Thrown for a wrong expression, and for one that fails, takes too long or grows too large on its input. */
export class ExpressionError extends Error {
  override name = 'ExpressionError';
  readonly position: number | null;
  constructor({ message, position }: ExpressionFault) {
    super(message);
    this.position = position;
  }
}

interface Task {
  code: string;
  input: string | null;
  bindings: string;
  resolve: (result: ExpressionResult) => void;
  reject: (error: Error) => void;
}

const RUNNERS = 2;
/** Of one key; more wait for nothing. */
const MAX_QUEUED = 1000;

/**
 * Evaluates JSONata from strangers: 100 ms of processor time and 64 MiB of heap each, without clock, chance, files or
 * network, in processes that are ended and replaced when an expression goes beyond. Each key has one evaluation at a
 * time and takes its turn, so an expression that always runs to its limit slows down only itself.
 */
export class ExpressionSandbox {
  readonly #queues = new Map<string, Task[]>();
  readonly #busy = new Set<string>();
  readonly #runners: ExpressionRunner[];

  /** @param maxBytes longest result */
  constructor(private readonly maxBytes: number) {
    this.#runners = Array.from({ length: RUNNERS }, () => new ExpressionRunner());
  }

  /** @throws ExpressionError with the position when the expression cannot be used */
  async check(key: string, code: string): Promise<void> {
    await this.#add(key, { code, input: null, bindings: '{}' });
  }

  /**
   * @param input JSON text that the expression starts from
   * @param bindings values of `$name` in the expression
   * @throws ExpressionError
   */
  async run(
    key: string,
    code: string,
    input: string,
    bindings: Record<string, unknown>,
  ): Promise<ExpressionResult> {
    const result = await this.#add(key, { code, input, bindings: JSON.stringify(bindings) });
    if (Buffer.byteLength(result.body) > this.maxBytes) {
      const message = `the result is too long: expected at most ${this.maxBytes} bytes`;
      throw new ExpressionError({ message, position: null });
    }
    return result;
  }

  async close(): Promise<void> {
    for (const task of [...this.#queues.values()].flat()) task.reject(new Error('the sandbox is closing'));
    this.#queues.clear();
    await Promise.all(this.#runners.map((runner) => runner.close()));
  }

  #add(key: string, what: Pick<Task, 'code' | 'input' | 'bindings'>): Promise<ExpressionResult> {
    const queue = this.#queues.get(key) ?? [];
    if (queue.length >= MAX_QUEUED) {
      const message = `more than ${MAX_QUEUED} events wait for their transformation`;
      return Promise.reject(new ExpressionError({ message, position: null }));
    }
    return new Promise((resolve, reject) => {
      queue.push({ ...what, resolve, reject });
      this.#queues.set(key, queue);
      this.#pump();
    });
  }

  #pump(): void {
    for (const runner of this.#runners) {
      if (runner.isBusy) continue;
      const key = [...this.#queues.keys()].find((waiting) => !this.#busy.has(waiting));
      if (key === undefined) return;
      void this.#run(runner, key, this.#next(key));
    }
  }

  /** The key goes to the end of the line, whoever has more than one task. */
  #next(key: string): Task {
    const queue = this.#queues.get(key)!;
    const task = queue.shift()!;
    this.#queues.delete(key);
    if (queue.length > 0) this.#queues.set(key, queue);
    return task;
  }

  async #run(runner: ExpressionRunner, key: string, task: Task): Promise<void> {
    this.#busy.add(key);
    try {
      const { code, input, bindings } = task;
      const { fault, ...result } = await runner.run({ code, input, bindings, maxBytes: this.maxBytes });
      if (fault === undefined) task.resolve({ body: '', headers: {}, ...result });
      else task.reject(new ExpressionError(fault));
    } catch (error) {
      task.reject(error as Error);
    } finally {
      this.#busy.delete(key);
      this.#pump();
    }
  }
}
