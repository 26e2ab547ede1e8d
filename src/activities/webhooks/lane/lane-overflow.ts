import type { Logger } from 'pino';
import type { EndpointLaneRepository } from '../../../store/webhooks/endpoint-lane.repository.js';
import type { LaneBacklogRepository } from '../../../store/webhooks/lane-backlog.repository.js';
import type { LaneDispatch } from './dispatch/lane-dispatch.js';
import type { LaneMoves } from './lane-moves.js';

/** With more due deliveries than this an endpoint leaves its shared lane. */
const TOO_MANY = 2000;
const LOOK_EVERY_MS = 2000;

export interface LaneOverflowOptions {
  endpoints: EndpointLaneRepository;
  backlog: LaneBacklogRepository;
  /** Has an own lane served. */
  serveLane: (lane: string) => Promise<void>;
  log: Logger;
}

/** Gives an endpoint of a shared lane its own when too much waits for it, so that the others do not notice it. */
export class LaneOverflow {
  #looking = false;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly options: LaneOverflowOptions,
    private readonly lane: string,
    private readonly dispatch: LaneDispatch,
    private readonly moves: LaneMoves,
  ) {}

  /** @param crowded endpoints that have more due than the lane takes in hand */
  look(crowded: readonly string[]): void {
    if (crowded.length === 0 || this.#looking || performance.now() - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#looking = true;
    this.#lookedMs = performance.now();
    void this.#look(crowded).finally(() => (this.#looking = false));
  }

  async #look(crowded: readonly string[]): Promise<void> {
    const { backlog, log } = this.options;
    try {
      for (const id of crowded) {
        if ((await backlog.dueInLane(id, this.lane, new Date(), TOO_MANY + 1)) > TOO_MANY)
          await this.#moveOut(id);
      }
    } catch (error) {
      log.warn({ err: error, lane: this.lane }, 'endpoints with too much waiting cannot be looked for');
    }
  }

  async #moveOut(id: string): Promise<void> {
    const { endpoints, serveLane, log } = this.options;
    const endpoint = await endpoints.find(id);
    if (endpoint === null || !(await endpoints.giveOwn(endpoint))) return;
    log.info({ endpoint: id, lane: this.lane }, 'too much waits for the endpoint: it gets a lane of its own');
    this.dispatch.hold(id);
    try {
      await serveLane(id);
      await this.moves.start(id, id);
    } finally {
      this.dispatch.release(id);
    }
  }
}
