import { OPEN_STATES } from '../../../contracts/webhooks/delivery.js';
import type { DeliveryState } from '../../../contracts/webhooks/delivery.js';
import {
  DELIVERY_STATES,
  statesOfStatus,
  TROUBLED_STATES,
} from '../../../contracts/webhooks/delivery-list.js';
import type { DeliveryListQuery, EndpointMessagesQuery } from '../../../contracts/webhooks/delivery-list.js';
import type { Page, PageRequest } from '../../../contracts/webhooks/page.js';
import { boundedCount, narrowest } from '../../bounded-count.js';
import type { BoundedCount } from '../../bounded-count.js';
import { boundedPage } from '../../bounded-page.js';
import type { BoundedScan } from '../../bounded-page.js';
import { pageByKey } from '../../page.js';
import type { DeliveryRow } from '../delivery.schema.js';
import type { WebhookModels } from '../webhook-models.js';
import { facetRest, facetScans, idWindow, labelGroups } from './list-filter.js';

const NEWEST_FIRST = { order: 'descending' } as const;

/** Deliveries as clients list them; the delivery side writes them (delivery.repository.ts). */
export class DeliveryListRepository {
  constructor(private readonly models: WebhookModels) {}

  /** What was meant for an endpoint, newest message first. */
  async ofEndpoint(ep: string, query: EndpointMessagesQuery): Promise<Page<DeliveryRow>> {
    const scan = await narrowest(this.#rows, endpointScans(ep, query));
    return boundedPage(this.#rows, scan, { ...query, ...NEWEST_FIRST });
  }

  /** Where a message went, by endpoint. */
  ofMessage(msg: string, request: PageRequest): Promise<Page<DeliveryRow>> {
    return pageByKey(this.#rows, 'ep', { msg }, { ...request, ...NEWEST_FIRST });
  }

  ofApplication(app: string, ep: string | null, query: DeliveryListQuery): Promise<Page<DeliveryRow>> {
    const scan = ep === null ? applicationScan(app, query) : reasonScan(ep, query);
    return boundedPage(this.#rows, scan, { ...query, ...NEWEST_FIRST });
  }

  /** Of all applications, what is not as it should be. */
  troubled(query: DeliveryListQuery): Promise<Page<DeliveryRow>> {
    const window = idWindow('dlv', query);
    const branches = (query.state ?? ['retrying']).map((state) => ({ state, ...HAS_REASON, ...window }));
    const rest = query.reason === undefined ? null : { reason: query.reason };
    return boundedPage(this.#rows, { branches, rest }, { ...query, ...NEWEST_FIRST });
  }

  find(app: string, id: string): Promise<DeliveryRow | null> {
    return this.models.deliveries.findOne({ _id: id, app }).lean<DeliveryRow | null>();
  }

  /** How many deliveries of an endpoint are in these states, of messages in a window. */
  count(
    ep: string,
    states: readonly DeliveryState[],
    window: { since?: Date; until?: Date } = {},
  ): Promise<BoundedCount> {
    const ids = idWindow('dlv', { before: window.until, after: window.since });
    return boundedCount(this.#rows, { branches: states.map((state) => ({ ep, state, ...ids })), rest: null });
  }

  /** When the message was accepted that has been waiting longest; null when none waits. */
  async oldestWaiting(ep: string): Promise<Date | null> {
    const found = await Promise.all(
      OPEN_STATES.map((state) =>
        this.#rows
          .find({ ep, state }, { projection: { at: 1 } })
          .sort({ _id: 1 })
          .limit(1)
          .toArray(),
      ),
    );
    const times = found.flat().map((row) => row['at'] as Date);
    return times.reduce<Date | null>((a, b) => (a === null || b < a ? b : a), null);
  }

  get #rows() {
    return this.models.deliveries.collection;
  }
}

/** Says that the partial indexes of deliveries in trouble hold every match. */
const HAS_REASON = { reason: { $gt: '' } };
const isTroubled = (state: DeliveryState) => TROUBLED_STATES.includes(state);

function endpointScans(ep: string, query: EndpointMessagesQuery): [BoundedScan, ...BoundedScan[]] {
  const states = query.status === undefined ? null : statesOfStatus(query.status);
  const labels = labelGroups(query);
  const owner = { ep, ...idWindow('dlv', query) };
  if (states?.length === 0) return [{ branches: [], rest: null }];
  if (states === null && labels.length > 0) return facetScans(owner, labels);
  const byState = {
    branches: (states ?? DELIVERY_STATES).map((state) => ({ ...owner, state })),
    rest: facetRest(labels),
  };
  if (states === null || labels.length === 0) return [byState];
  const inState = { state: { $in: states } };
  const byLabel = facetScans(owner, labels).map(({ branches, rest }) => ({
    branches,
    rest: rest === null ? inState : { $and: [rest, inState] },
  }));
  return [byState, ...byLabel];
}

function reasonScan(ep: string, query: DeliveryListQuery): BoundedScan {
  const window = idWindow('dlv', query);
  const states = query.state ?? (query.reason === undefined ? DELIVERY_STATES : TROUBLED_STATES);
  const branches = states.map((state) => ({ ep, state, ...window }));
  return { branches, rest: query.reason === undefined ? null : { reason: query.reason } };
}

function applicationScan(app: string, { state, reason, ...query }: DeliveryListQuery): BoundedScan {
  const owner = { app, ...idWindow('dlv', query) };
  const inState = state === undefined ? null : { state: { $in: state } };
  if (reason !== undefined) return { branches: [{ ...owner, reason }], rest: inState };
  if (state?.every(isTroubled)) {
    return { branches: state.map((one) => ({ ...owner, state: one, ...HAS_REASON })), rest: null };
  }
  return { branches: [owner], rest: inState };
}
