import type { AttemptTrigger } from '../../../../contracts/webhooks/delivery.js';
import { RETRY_LANE } from '../../../../contracts/webhooks/delivery.js';
import { homeLane, isAstray } from '../../../../domain/webhooks/lane.js';
import type { DeliveryRow } from '../../../../store/webhooks/delivery.schema.js';
import type { DeliverySourceRepository } from '../../../../store/webhooks/delivery-source.repository.js';
import { movedOutcome, untriedOutcome } from '../../delivery-outcome.js';
import type { DeliveryOutcome } from '../../delivery-outcome.js';
import type { ReadyDelivery } from '../../ready-delivery.js';
import type { OfferedDelivery } from './offered-delivery.js';
import type { PreparedEndpoint } from '../../prepared-endpoint.js';
import type { PreparedEndpoints } from '../../prepared-endpoints.js';

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
    /** Number of shared lanes. */
    private readonly lanes: number,
  ) {}

  /** @param trigger what is behind the tries of all rows; each row tells by itself when left out */
  async load(rows: readonly DeliveryRow[], trigger?: AttemptTrigger): Promise<LanePage> {
    const [bodies, endpoints] = await Promise.all([
      this.source.bodies([...new Set(rows.map((row) => row.msg))]),
      this.endpoints.current([...new Set(rows.map((row) => row.ep))]),
    ]);
    const page: LanePage = { ready: [], untried: [] };
    for (const row of rows) {
      const found = { row, endpoint: endpoints.get(row.ep), body: bodies.get(row.msg) ?? null };
      sortIn(page, { ...found, trigger: trigger ?? triggerOf(row), stored: true }, this.lanes);
    }
    return page;
  }

  /** The same for rows that were told with their payload. */
  async offered(offers: readonly OfferedDelivery[]): Promise<LanePage> {
    const page: LanePage = { ready: [], untried: [] };
    const endpoints = await this.endpoints.asOf(
      offers.map(({ row, appRev }) => ({ id: row.ep, app: row.app, appRev })),
    );
    for (const { row, body } of offers) {
      const endpoint = endpoints.get(row.ep);
      sortIn(page, { row, endpoint, body, trigger: 'scheduled', stored: false }, this.lanes);
    }
    return page;
  }
}

/** The first try after a task took the delivery is the one that somebody asked for. */
const triggerOf = ({ task, n, base }: DeliveryRow): AttemptTrigger =>
  task !== undefined && n === (base ?? 0) ? 'manual' : 'scheduled';

interface FoundDelivery extends Omit<ReadyDelivery, 'endpoint' | 'body'> {
  endpoint: PreparedEndpoint | undefined;
  body: Buffer | null;
}

function sortIn(
  page: LanePage,
  { row, endpoint, body, trigger, stored }: FoundDelivery,
  lanes: number,
): void {
  const untried = (state: 'canceled' | 'expired', reason: string) =>
    void page.untried.push(untriedOutcome(row, state, reason, { stored }));
  if (endpoint === undefined || endpoint.row.deletedAt !== null)
    return untried('canceled', 'endpoint_deleted');
  if (endpoint.row.disabled) return untried('canceled', 'endpoint_disabled');
  if (body === null) return untried('expired', 'content_expired');
  if (isStray(row, endpoint))
    return void page.untried.push(movedOutcome(row, homeLane(endpoint.row, lanes), stored));
  if (endpoint.unusable !== null) page.untried.push(heldOutcome(row, stored));
  else page.ready.push({ row, endpoint, body, trigger, stored });
}

const isStray = ({ q }: DeliveryRow, endpoint: PreparedEndpoint) =>
  q !== undefined && q.l !== RETRY_LANE && isAstray(q.l, endpoint.row);

function heldOutcome(row: DeliveryRow, stored: boolean): DeliveryOutcome {
  const lane = row.q?.l;
  const q = lane === undefined ? null : { l: lane, at: new Date(Date.now() + HELD_MS) };
  return untriedOutcome(row, 'held', 'secret_unreadable', { q, stored });
}
