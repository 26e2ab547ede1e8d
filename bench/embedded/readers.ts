import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What one client process is to read: `total` documents by one field, from the `from`th of the walk over `count`. */
export interface ReadOrder {
  field: '_id' | 'key';
  from: number;
  total: number;
  count: number;
}

const PROCESSES = 2;

/** Client processes for point reads: one driver process needs 100 to 200 us of processor an operation. */
export class Readers {
  private constructor(private readonly children: ChildProcess[]) {}

  /** Starts them and waits until they are connected; together they keep `width` operations in flight. */
  static async start(uri: string, width: number): Promise<Readers> {
    const script = fileURLToPath(new URL('./reader-process.js', import.meta.url));
    const children = Array.from({ length: PROCESSES }, () => fork(script, [uri, String(width / PROCESSES)]));
    await Promise.all(children.map((child) => once(child, 'message')));
    return new Readers(children);
  }

  get pids(): number[] {
    return this.children.map(({ pid }) => pid as number);
  }

  async read(field: ReadOrder['field'], total: number, count: number): Promise<number> {
    const share = total / PROCESSES;
    const done = this.children.map(async (child, at) => {
      child.send({ field, from: at * share, total: share, count } satisfies ReadOrder);
      const ended = new AbortController();
      const gone = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
        throw new Error(`a client process ended with ${code}`);
      });
      await Promise.race([once(child, 'message', { signal: ended.signal }), gone]);
      gone.catch(() => undefined);
      ended.abort();
    });
    await Promise.all(done);
    return total;
  }

  stop(): void {
    for (const child of this.children) child.disconnect();
  }
}
