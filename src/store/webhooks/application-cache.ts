import type { FifoPolicy } from '../../contracts/webhooks/endpoint-policy.js';
import type { ContentFilter } from '../../contracts/webhooks/content-filter.js';
import { compileFilter } from '../../domain/webhooks/content-filter.js';
import type { TargetFilter } from '../../domain/webhooks/target-match.js';
import type { ApplicationRepository } from './application.repository.js';
import type { EndpointRow } from './endpoint.schema.js';
import { CATALOGUE_ID } from './event-type/catalogue-revision.js';
import type { WebhookModels } from './webhook-models.js';

/** What the accept path knows of an application. */
export interface CachedApplication {
  id: string;
  rev: number;
  endpoints: CachedEndpoint[];
  /** Messages a second that it may send; null = no limit. */
  throttleRate: number | null;
  /** Days it keeps payloads at most; null = as long as each message asks. */
  payloadDays: number | null;
  /** Endpoints with a lane of their own; most have none. */
  ownLanes: ReadonlyMap<string, OwnLane>;
  /** Whether one of its endpoints gets messages in order. */
  keepsOrder: boolean;
}

interface CachedEndpoint extends TargetFilter {
  rev: number;
  own: OwnLane | null;
}

/** Where the deliveries of an endpoint go that has a lane of its own, and by what they keep their order. */
export interface OwnLane {
  lane: string;
  fifo: FifoPolicy | null;
}

type FilterRow = Pick<
  EndpointRow,
  '_id' | 'rev' | 'disabled' | 'eventTypes' | 'channels' | 'filter' | 'lane' | 'policy'
>;

const MAX_AGE_MS = 5_000;
const MAX_ENTRIES = 10_000;

/**
 * Applications with their endpoints' filters, for accepting without reading them each time. An entry is used only
 * after `current` compared its revision with the store in the same flush that stores the message.
 */
export class ApplicationCache {
  readonly #entries = new Map<string, { entry: CachedApplication; loadedAt: number }>();

  constructor(
    private readonly models: WebhookModels,
    private readonly applications: ApplicationRepository,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** By id or uid; null when there is none. */
  async get(idOrUid: string): Promise<CachedApplication | null> {
    const known = this.#entries.get(idOrUid);
    if (known !== undefined && this.nowMs() - known.loadedAt < MAX_AGE_MS) return known.entry;
    return this.load(idOrUid);
  }

  /** The endpoints of an application as of a revision that was just read. */
  async endpointsAsOf(id: string, rev: number): Promise<readonly TargetFilter[]> {
    const entry = await this.get(id);
    return (entry?.rev === rev ? entry : await this.load(id))?.endpoints ?? [];
  }

  /** Reads the application anew. The revision is read before the endpoints, so a change in between shows. */
  async load(idOrUid: string): Promise<CachedApplication | null> {
    const app = await this.applications.findAny(idOrUid);
    if (app === null) {
      this.#entries.delete(idOrUid);
      return null;
    }
    const rows = await this.models.endpoints
      .find(
        { app: app._id, deletedAt: null },
        { rev: 1, disabled: 1, eventTypes: 1, channels: 1, filter: 1, lane: 1, 'policy.fifo': 1 },
      )
      .sort({ _id: 1 })
      .lean<FilterRow[]>();
    const former = new Map(this.#entries.get(idOrUid)?.entry.endpoints.map((one) => [one.id, one]));
    const endpoints = rows.map((row) => {
      const known = former.get(row._id);
      return known?.rev === row.rev ? known : targetFilter(row);
    });
    const ownLanes = new Map(endpoints.flatMap(({ id, own }) => (own === null ? [] : [[id, own]])));
    const entry = {
      id: app._id,
      rev: app.rev,
      endpoints,
      throttleRate: app.throttleRate,
      payloadDays: app.retention?.payloadDays ?? null,
      ownLanes,
      keepsOrder: [...ownLanes.values()].some(({ fifo }) => fifo !== null),
    };
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear();
    this.#entries.set(idOrUid, { entry, loadedAt: this.nowMs() });
    return entry;
  }

  /** The revisions in the store: of the applications that are not deleted, and of the event types. */
  async revisions(
    ids: readonly string[],
  ): Promise<{ applications: Map<string, number>; eventTypes: number }> {
    const rows = await this.models.applications.collection
      .find({ _id: { $in: [...ids, CATALOGUE_ID] as never } }, { projection: { rev: 1, deletedAt: 1 } })
      .toArray();
    const current = rows.filter((row) => row['deletedAt'] === null);
    return {
      applications: new Map(current.map((row) => [String(row._id), row['rev'] as number])),
      eventTypes: (rows.find((row) => String(row._id) === CATALOGUE_ID)?.['rev'] as number | undefined) ?? 0,
    };
  }
}

/** What decides whether an endpoint gets a message, its content filter compiled. */
export const targetFilter = ({ _id: id, lane, policy, filter, ...row }: FilterRow): CachedEndpoint => ({
  id,
  rev: row.rev,
  disabled: row.disabled,
  eventTypes: row.eventTypes,
  channels: row.channels,
  filter: filter == null ? null : compileFilter(JSON.parse(filter) as ContentFilter),
  own: lane == null ? null : { lane, fifo: policy?.fifo ?? null },
});
