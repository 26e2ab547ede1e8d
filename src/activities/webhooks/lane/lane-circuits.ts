import type { Logger } from 'pino';
import { isNotReceivers } from '../../../domain/webhooks/answer.js';
import { BreakerWindow, DEFAULT_BREAKER, DrainRamp } from '../../../domain/webhooks/breaker.js';
import type { Circuits } from '../circuits.js';
import type { TriedDelivery } from '../ready-delivery.js';
import type { PreparedEndpoint } from '../prepared-endpoint.js';
import type { LaneDispatch } from './dispatch/lane-dispatch.js';
import type { LaneMoves } from './lane-moves.js';

export interface LaneCircuitsOptions {
  circuits: Circuits;
  log: Logger;
}

const MAX_WINDOWS = 10_000;

/** Watches the tries of a lane: an endpoint that is down is sent nothing more, and what waits for it leaves the lane. */
export class LaneCircuits {
  readonly #windows = new Map<string, BreakerWindow>();
  readonly #opening = new Set<string>();
  readonly #ramp: DrainRamp | null;

  /** @param drains the lane is that of an endpoint that may be back: its breaker is judged by failures in a row */
  constructor(
    private readonly options: LaneCircuitsOptions,
    private readonly dispatch: LaneDispatch,
    private readonly moves: LaneMoves,
    drains: boolean,
  ) {
    this.#ramp = drains ? new DrainRamp() : null;
  }

  /** Tries at a time while draining. */
  get concurrency(): number {
    return this.#ramp?.concurrency ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the endpoint that is drained failed too often in a row. */
  get isDownAgain(): boolean {
    return this.#ramp?.isOver ?? false;
  }

  tried(endpoint: PreparedEndpoint, { judgement }: TriedDelivery): void {
    if (isNotReceivers(judgement.errorCode)) return;
    const ok = judgement.state === 'delivered';
    if (this.#ramp !== null) return this.#ramp.record(ok);
    const { _id: id, policy } = endpoint.row;
    const settings = policy?.breaker ?? DEFAULT_BREAKER;
    if (settings === 'off' || this.#opening.has(id)) return;
    if (this.#window(id).record(judgement.errorCode, ok, performance.now(), settings)) {
      void this.#open(endpoint, judgement.reason ?? 'failed', judgement.slowUntil);
    }
  }

  async #open(endpoint: PreparedEndpoint, why: string, notBefore: Date | null): Promise<void> {
    const { _id: id } = endpoint.row;
    this.#opening.add(id);
    this.dispatch.hold(id);
    try {
      if (await this.options.circuits.open(endpoint.row, why, notBefore)) await this.moves.start(id, id);
    } catch (error) {
      this.options.log.warn({ err: error, endpoint: id }, 'the breaker cannot be opened now');
    } finally {
      this.#windows.delete(id);
      this.#opening.delete(id);
      this.dispatch.release(id);
    }
  }

  #window(id: string): BreakerWindow {
    let window = this.#windows.get(id);
    if (window === undefined) {
      if (this.#windows.size >= MAX_WINDOWS) this.#windows.clear();
      window = new BreakerWindow();
      this.#windows.set(id, window);
    }
    return window;
  }
}
