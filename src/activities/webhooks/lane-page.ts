import type { DeliveryRow } from '../../store/webhooks/delivery.schema.js';
import type { DeliverySourceRepository } from '../../store/webhooks/delivery-source.repository.js';
import { untriedOutcome } from './delivery-outcome.js';
import type { DeliveryOutcome } from './delivery-outcome.js';
import type { ReadyDelivery } from './delivery-try.js';
import type { PreparedEndpoints } from './prepared-endpoints.js';

/** How long a delivery waits whose endpoint's secrets cannot be read. */
const HELD_MS = 60_000;

/** Due rows, sorted out: to be sent, or to be written off without a try. */
export interface LanePage {
  ready: ReadyDelivery[];
  untried: DeliveryOutcome[];
}

/** Loads what due rows need, in two reads however many rows there are. */
export class LanePages {
  constructor(
    private readonly source: DeliverySourceRepository,
    private readonly endpoints: PreparedEndpoints,
  ) {}

  async load(rows: readonly DeliveryRow[], trigger: 'scheduled' | 'manual' = 'scheduled'): Promise<LanePage> {
    const [bodies, endpoints] = await Promise.all([
      this.source.bodies([...new Set(rows.map((row) => row.msg))]),
      this.endpoints.current([...new Set(rows.map((row) => row.ep))]),
    ]);
    const page: LanePage = { ready: [], untried: [] };
    for (const row of rows) {
      const endpoint = endpoints.get(row.ep);
      const body = bodies.get(row.msg) ?? null;
      if (endpoint === undefined || endpoint.row.deletedAt !== null) {
        page.untried.push(untriedOutcome(row, 'canceled', 'endpoint_deleted'));
      } else if (endpoint.row.disabled) {
        page.untried.push(untriedOutcome(row, 'canceled', 'endpoint_disabled'));
      } else if (body === null) {
        page.untried.push(untriedOutcome(row, 'expired', 'content_expired'));
      } else if (endpoint.unusable !== null) {
        page.untried.push(heldOutcome(row));
      } else {
        page.ready.push({ row, endpoint, body, trigger });
      }
    }
    return page;
  }
}

function heldOutcome(row: DeliveryRow): DeliveryOutcome {
  const lane = row.q?.l;
  const q = lane === undefined ? null : { l: lane, at: new Date(Date.now() + HELD_MS) };
  return untriedOutcome(row, 'held', 'secret_unreadable', q);
}
