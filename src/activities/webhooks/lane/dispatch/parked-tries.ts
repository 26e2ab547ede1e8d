import { IN_FLIGHT } from '../../../../contracts/webhooks/delivery.js';
import type { DeliveryChange, DeliveryRepository } from '../../../../store/webhooks/delivery.repository.js';
import type { DeliveryRow } from '../../../../store/webhooks/delivery.schema.js';
import { MAX_TRY_TIMEOUT_MS } from '../../http-sender.js';
import type { ReadyDelivery } from '../../ready-delivery.js';

/** A try that outlasts its lane is the next owner's to repeat only after it must have ended. */
export const PARK_MS = MAX_TRY_TIMEOUT_MS + 10_000;
const LOOK_EVERY_MS = 100;

/** Moves the due time of a try on its way behind its longest end, so that the next owner leaves it alone. */
export function parked({ row, stored }: ReadyDelivery, lane: string, at: Date): DeliveryChange {
  return {
    ...{ _id: row._id, rev: row.rev, set: { reason: IN_FLIGHT } },
    q: { l: lane, at },
    ...(stored ? {} : { orInsert: row }),
  };
}

/**
 * Tries that the owner before left on their way. Until they are over they count for their endpoints, so that a lane
 * which changes hands never makes more tries at a time at an endpoint than the endpoint allows.
 */
export class ParkedTries {
  /** By endpoint and due time, that is by request: its deliveries, and what gives its slot back. Null until the store was asked. */
  #slots: Map<string, { ids: string[]; free: () => void }> | null = null;
  #lookedMs = 0;

  constructor(
    private readonly deliveries: DeliveryRepository,
    private readonly lane: string,
    private readonly dispatch: { occupy(endpoint: string): () => void },
  ) {}

  /** Whether it is known what was left, so that sending may begin. */
  get isKnown(): boolean {
    return this.#slots !== null;
  }

  /** Some may end any time. */
  get areLeft(): boolean {
    return this.#slots !== null && this.#slots.size > 0;
  }

  /** Looks which are left; costs nothing when none are. */
  async look(): Promise<void> {
    if (this.#slots === null) {
      this.#slots = this.#occupied(
        await this.deliveries.inFlight({ lane: this.lane, withinMs: 2 * PARK_MS }),
      );
    } else if (this.#slots.size > 0 && performance.now() - this.#lookedMs >= LOOK_EVERY_MS) {
      const ids = [...this.#slots.values()].flatMap((slot) => slot.ids);
      const left = new Set((await this.deliveries.inFlight({ ids })).map(({ _id }) => _id));
      for (const [request, slot] of this.#slots) {
        if (slot.ids.some((id) => left.has(id))) continue;
        this.#slots.delete(request);
        slot.free();
      }
    }
    this.#lookedMs = performance.now();
  }

  #occupied(rows: readonly Pick<DeliveryRow, '_id' | 'ep' | 'q'>[]) {
    const slots = new Map<string, { ids: string[]; free: () => void }>();
    for (const { _id, ep, q } of rows) {
      const request = `${ep} ${q?.at.getTime() ?? _id}`;
      const slot = slots.get(request) ?? { ids: [], free: this.dispatch.occupy(ep) };
      slot.ids.push(_id);
      slots.set(request, slot);
    }
    return slots;
  }
}
