import type { TargetFilter } from '../../domain/webhooks/target-match.js';
import { changedSince, changesSeen } from '../../domain/webhooks/told-changes.js';
import type { ApplicationRepository } from './application.repository.js';
import { lanes, targetFilter, TARGET_FIELDS } from './cached-application.js';
import type { CachedApplication, CachedEndpoint, FilterRow } from './cached-application.js';
import { CATALOGUE_ID } from './event-type/catalogue-revision.js';
import type { WebhookModels } from './webhook-models.js';

const MAX_AGE_MS = 5_000;
const MAX_ENTRIES = 10_000;
/** Of all applications together, about 0.6 KB each. */
const MAX_ENDPOINTS = 200_000;

/**
 * Applications with their endpoints' filters, for accepting without reading them each time. An entry is used only
 * after `revisions` compared its revision with the store in the same flush that stores the message.
 */
export class ApplicationCache {
  /** The least recently used first. */
  readonly #entries = new Map<string, { entry: CachedApplication; loadedAt: number }>();
  readonly #loading = new Map<string, Promise<CachedApplication | null>>();
  #endpoints = 0;

  constructor(
    private readonly models: WebhookModels,
    private readonly applications: ApplicationRepository,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** By id or uid; null when there is none. */
  async get(idOrUid: string): Promise<CachedApplication | null> {
    const known = this.#entries.get(idOrUid);
    if (known === undefined || this.nowMs() - known.loadedAt >= MAX_AGE_MS)
      return this.#loading.get(idOrUid) ?? this.load(idOrUid);
    this.#entries.delete(idOrUid);
    this.#entries.set(idOrUid, known);
    return known.entry;
  }

  /** The endpoints of an application as of a revision that was just read. */
  async endpointsAsOf(id: string, rev: number): Promise<readonly TargetFilter[]> {
    const entry = await this.get(id);
    return (entry?.rev === rev ? entry : await this.load(id))?.endpoints ?? [];
  }

  /** Reads of the application what changed since it was read, or all where that cannot be told. */
  load(idOrUid: string): Promise<CachedApplication | null> {
    const loading = this.#load(idOrUid).finally(() => {
      if (this.#loading.get(idOrUid) === loading) this.#loading.delete(idOrUid);
    });
    this.#loading.set(idOrUid, loading);
    return loading;
  }

  /** The row is read before the endpoints, so a change in between shows as another revision. */
  async #load(idOrUid: string): Promise<CachedApplication | null> {
    const app = await this.applications.findTelling(idOrUid);
    if (app === null) {
      this.#keep(idOrUid, null);
      return null;
    }
    const known = this.#entries.get(idOrUid)?.entry;
    const former = known?.id === app._id ? known : null;
    const changed = former === null ? null : changedSince(former.seen, app);
    const endpoints =
      former === null || changed === null
        ? await this.#all(app._id, former?.endpoints ?? [])
        : await this.#withChanged(former.endpoints, changed);
    const entry = {
      ...{ id: app._id, rev: app.rev, endpoints, seen: changesSeen(app) },
      throttleRate: app.throttleRate,
      payloadDays: app.retention?.payloadDays ?? null,
      ...(endpoints === former?.endpoints ? lanesOf(former) : lanes(endpoints)),
    };
    this.#keep(idOrUid, entry);
    return entry;
  }

  async #all(app: string, former: readonly CachedEndpoint[]): Promise<CachedEndpoint[]> {
    const rows = await this.models.endpoints
      .find({ app, deletedAt: null }, TARGET_FIELDS)
      .sort({ _id: 1 })
      .lean<FilterRow[]>();
    const known = new Map(former.map((one) => [one.id, one]));
    return rows.map((row) => {
      const one = known.get(row._id);
      return one?.rev === row.rev ? one : targetFilter(row);
    });
  }

  async #withChanged(
    former: readonly CachedEndpoint[],
    changed: ReadonlySet<string>,
  ): Promise<readonly CachedEndpoint[]> {
    if (changed.size === 0) return former;
    const rows = await this.models.endpoints
      .find({ _id: { $in: [...changed] } }, TARGET_FIELDS)
      .lean<FilterRow[]>();
    const now = rows.filter(({ deletedAt }) => deletedAt == null).map(targetFilter);
    return [...former.filter(({ id }) => !changed.has(id)), ...now].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #keep(idOrUid: string, entry: CachedApplication | null): void {
    this.#forget(idOrUid);
    if (entry === null) return;
    this.#entries.set(idOrUid, { entry, loadedAt: this.nowMs() });
    this.#endpoints += entry.endpoints.length;
    for (const other of this.#entries.keys()) {
      const fits = this.#entries.size <= MAX_ENTRIES && this.#endpoints <= MAX_ENDPOINTS;
      if (fits || other === idOrUid) return;
      this.#forget(other);
    }
  }

  #forget(idOrUid: string): void {
    this.#endpoints -= this.#entries.get(idOrUid)?.entry.endpoints.length ?? 0;
    this.#entries.delete(idOrUid);
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

const lanesOf = ({ ownLanes, keepsOrder }: CachedApplication) => ({ ownLanes, keepsOrder });
