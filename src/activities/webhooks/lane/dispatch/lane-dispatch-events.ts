import type { TriedDelivery } from '../../ready-delivery.js';
import type { PreparedEndpoint } from '../../prepared-endpoint.js';

/** What a lane is told of its tries. */
export interface LaneDispatchEvents {
  /** Rows that found no room may be read again. */
  room: () => void;
  /** The result of a try, as it is known. */
  tried: (endpoint: PreparedEndpoint, tried: TriedDelivery) => void;
  /** Tries at a time at one endpoint, now; no bound when left out. */
  most?: () => number;
}
