import { laneOf } from '../../../domain/webhooks/lane.js';
import type { EndpointRow } from '../../../store/webhooks/endpoint.schema.js';
import type { EndpointLaneRepository } from '../../../store/webhooks/endpoint-lane.repository.js';
import type { LaneBacklogRepository } from '../../../store/webhooks/lane-backlog.repository.js';
import type { DeliveryRepository } from '../../../store/webhooks/delivery.repository.js';

/** Twice as long as a process may remember that an endpoint had a lane of its own. */
const FORGOTTEN_MS = 10_000;
/** A try that began under a policy that holds the order may write so after the policy was changed. */
const END_HELD_EVERY_MS = 5000;

/**
 * What is to be done with the lane of one endpoint now. `serve` sends what is due, `order` too but in order, `move`
 * moves everything to the endpoint's present lane, `stop` means that nothing is left to do here: the endpoint is gone,
 * is served by its shared lane again, or is down and probed by somebody else.
 */
export type OwnLaneWork = { kind: 'serve' | 'order' | 'move'; endpoint: EndpointRow } | { kind: 'stop' };

export interface OwnLaneOptions {
  endpoints: EndpointLaneRepository;
  backlog: LaneBacklogRepository;
  deliveries: DeliveryRepository;
  /** Number of shared lanes. */
  laneCount: number;
}

/** The life of an endpoint's own lane: why it is there, and when it may go. */
export class OwnLane {
  #emptySinceMs: number | null = null;
  #endedHeldMs = Number.NEGATIVE_INFINITY;

  /** @param drains whether this owner is the one that probes the endpoint */
  constructor(
    private readonly options: OwnLaneOptions,
    private readonly lane: string,
    private readonly drains: boolean,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  async work(): Promise<OwnLaneWork> {
    const endpoint = await this.options.endpoints.find(this.lane);
    if (endpoint === null || endpoint.deletedAt !== null || endpoint.disabled) return this.#ended(endpoint);
    if (endpoint.circuit !== undefined && !this.drains) return { kind: 'stop' };
    if (endpoint.policy?.fifo?.onExhausted !== 'hold') await this.#endHeldOrders();
    if (endpoint.lane !== this.lane) {
      return (await this.#isForgotten()) ? { kind: 'stop' } : { kind: 'move', endpoint };
    }
    this.#emptySinceMs = null;
    return { kind: (endpoint.policy?.fifo ?? null) === null ? 'serve' : 'order', endpoint };
  }

  /** Nothing is due any more: an endpoint that only had too much waiting goes back to its shared lane. */
  async emptied(endpoint: EndpointRow): Promise<void> {
    if (this.drains || (endpoint.policy?.fifo ?? null) !== null) return;
    // While rows come over from the shared lane the move is not finished: they would be moved back and forth.
    const shared = laneOf(endpoint._id, this.options.laneCount);
    const toCome = await this.options.backlog.inLane(endpoint._id, shared, 1);
    if (toCome.length === 0) await this.options.endpoints.giveBack(endpoint);
  }

  async #endHeldOrders(): Promise<void> {
    if (this.nowMs() - this.#endedHeldMs < END_HELD_EVERY_MS) return;
    this.#endedHeldMs = this.nowMs();
    await this.options.backlog.endHeldOrders(this.lane);
  }

  async #ended(endpoint: EndpointRow | null): Promise<OwnLaneWork> {
    const why =
      endpoint?.disabled === true && endpoint.deletedAt === null ? 'endpoint_disabled' : 'endpoint_deleted';
    await this.options.deliveries.cancelOpen({ ep: this.lane }, why);
    return { kind: 'stop' };
  }

  /** Whether the lane has been empty for so long that nobody puts anything in it. */
  async #isForgotten(): Promise<boolean> {
    const left = await this.options.backlog.inLane(this.lane, this.lane, 1);
    if (left.length > 0) {
      this.#emptySinceMs = null;
      return false;
    }
    this.#emptySinceMs ??= this.nowMs();
    return this.nowMs() - this.#emptySinceMs >= FORGOTTEN_MS;
  }
}
