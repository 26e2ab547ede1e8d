import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, ApiCaller } from './api-caller.js';

export interface FlowPlan {
  app: string;
  perSecond: number;
  payload: (n: number) => Record<string, unknown>;
}

/** Offered and not accepted yet: with so many nothing new is offered, or the repetitions alone would be the load. */
const MAX_PENDING = 50;
const REPEAT_MS = 500;

/**
 * Offers messages at a steady rate until it is stopped. What got no 202 is offered again, with its idempotency key, as
 * a careful client does.
 */
export class SteadyFlow {
  /** Ids that were answered 202, with when that was. */
  readonly accepted = new Map<string, number>();
  /** Answers that were no 202: status, `Retry-After` and when they came. Status 0 is no answer at all. */
  readonly refusals: { status: number; retryAfter: string | null; atMs: number }[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(
    private readonly caller: ApiCaller,
    private readonly plan: FlowPlan,
  ) {
    this.#running = this.#run();
  }

  /** Offers no more; resolves when everything that was offered is accepted. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const pending = new Set<Promise<void>>();
    let dueMs = Date.now();
    for (let n = 0; !this.#stop.signal.aborted; n++) {
      if (pending.size >= MAX_PENDING) {
        await Promise.race(pending);
        dueMs = Math.max(dueMs, Date.now());
      }
      await delay(Math.max(dueMs - Date.now(), 0));
      dueMs += 1000 / this.plan.perSecond;
      const send: Promise<void> = this.#send(n).finally(() => pending.delete(send));
      pending.add(send);
    }
    await Promise.all(pending);
  }

  async #send(n: number): Promise<void> {
    const { app, payload } = this.plan;
    const body = { eventType: 'flow.test', payload: payload(n) };
    for (;;) {
      const answer = await this.#post(`/api/v1/app/${app}/msg`, { body, idempotencyKey: `${app}-${n}` });
      if (answer?.status === 202) {
        this.accepted.set(answer.body.id, Date.now());
        return;
      }
      if (answer !== null && answer.status < 500)
        throw new Error(`message ${n}: ${answer.status} ${JSON.stringify(answer.body)}`);
      const retryAfter = answer?.headers.get('retry-after') ?? null;
      this.refusals.push({ status: answer?.status ?? 0, retryAfter, atMs: Date.now() });
      await delay(REPEAT_MS);
    }
  }

  /** Null when nobody answers: the API is down. */
  async #post(path: string, options: { body: unknown; idempotencyKey: string }) {
    try {
      return await this.caller.call<{ id: string }>('POST', path, options);
    } catch (error) {
      if ((error as Error).name === 'TypeError') return null satisfies Answer<{ id: string }> | null;
      throw error;
    }
  }
}
