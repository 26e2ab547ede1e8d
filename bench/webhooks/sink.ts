import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** The receiving side of a benchmark. */
export class Sink {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(): Promise<Sink> {
    const child = fork(new URL('./sink-process.js', import.meta.url));
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Sink(child, `http://127.0.0.1:${port}/`);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until `count` requests have arrived since the last report, or for `timeoutMs`; then gives them. */
  async collect(count: number, timeoutMs: number): Promise<Map<string, number[]>> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline && (await this.#ask<{ count: number }>('count')).count < count)
      await delay(50);
    const byId = new Map<string, number[]>();
    await this.#report(byId);
    return byId;
  }

  /** As `collect`, for exactly these messages, whatever else arrives. */
  async collectAll(ids: readonly string[], timeoutMs: number): Promise<Map<string, number[]>> {
    const deadline = Date.now() + timeoutMs;
    const byId = new Map<string, number[]>();
    await this.#report(byId);
    while (Date.now() < deadline && !ids.every((id) => byId.has(id))) {
      await delay(50);
      await this.#report(byId);
    }
    return byId;
  }

  /** Adds what has arrived since the last report: by message, the times. */
  async #report(byId: Map<string, number[]>): Promise<void> {
    const { arrivals } = await this.#ask<{ arrivals: [string, number][] }>('report');
    for (const [id, at] of arrivals) byId.set(id, [...(byId.get(id) ?? []), at]);
  }

  stop(): void {
    this.child.disconnect();
  }

  async #ask<T>(question: string): Promise<T> {
    this.child.send(question);
    const [answer] = (await once(this.child, 'message')) as [T];
    return answer;
  }
}
