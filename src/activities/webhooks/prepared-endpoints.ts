import { changedSince, changesSeen } from '../../domain/webhooks/told-changes.js';
import type { ChangesSeen } from '../../domain/webhooks/told-changes.js';
import type { SecretBox } from '../../platform/secret-box.js';
import type { DeliverySourceRepository } from '../../store/webhooks/delivery-source.repository.js';
import { prepared } from './prepared-endpoint.js';
import type { PreparedEndpoint } from './prepared-endpoint.js';

/** An endpoint, and as of which revision of its application at least it is wanted. */
export interface WantedEndpoint {
  id: string;
  app: string;
  appRev: number;
}

/** As of when it is known which endpoints of an application changed. A new one each time that is read. */
interface ProvenApplication {
  seen: ChangesSeen;
  /** By `performance.now`. */
  atMs: number;
  /** What endpoints that are current are marked with; another one when none can be told to be. */
  mark: object;
}

/** About 4 KB each. */
const MAX_KEPT = 20_000;
const MAX_APPLICATIONS = 10_000;
/** A process that died while it changed an endpoint has told only half of it: the change is found by then. */
const PROVEN_FOR_MS = 5_000;

/** Endpoints ready to be sent to. */
export class PreparedEndpoints {
  /** The least recently used first. */
  readonly #kept = new Map<string, PreparedEndpoint>();
  readonly #applications = new Map<string, ProvenApplication>();

  constructor(
    private readonly source: DeliverySourceRepository,
    private readonly box: SecretBox,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** The endpoints as they are now, each compared with its stored revision; those that are gone are left out. */
  async current(ids: readonly string[]): Promise<Map<string, PreparedEndpoint>> {
    const known = ids.filter((id) => this.#kept.has(id));
    const [revisions] = await Promise.all([
      known.length === 0 ? new Map<string, number>() : this.source.endpointRevisions(known),
      this.#load(ids.filter((id) => !this.#kept.has(id))),
    ]);
    const there = known.filter((id) => revisions.has(id));
    await this.#load(there.filter((id) => this.#kept.get(id)?.row.rev !== revisions.get(id)));
    const gone = new Set(known.filter((id) => !revisions.has(id)));
    return this.#found(ids.filter((id) => !gone.has(id)));
  }

  /**
   * Endpoints as of revisions of their applications. An application tells which of its endpoints changed, so only those
   * are read again: three reads however many are wanted, and none while nothing changes.
   */
  async asOf(wanted: readonly WantedEndpoint[]): Promise<Map<string, PreparedEndpoint>> {
    const stale = wanted.filter(({ app, appRev }) => !this.#isProven(app, appRev)).map(({ app }) => app);
    if (stale.length > 0) await this.#prove([...new Set(stale)]);
    const apps = new Map(wanted.map(({ id, app }) => [id, app]));
    const proven = new Map([...apps].map(([id, app]) => [id, this.#applications.get(app)]));
    const isDoubtful = (id: string) => (this.#kept.get(id)?.provenIn ?? null) !== proven.get(id)?.mark;
    const doubtful = [...apps.keys()].filter(isDoubtful);
    const found = this.#found([...apps.keys()].filter((id) => !isDoubtful(id)));
    if (doubtful.length === 0) return found;
    for (const [id, endpoint] of await this.current(doubtful)) {
      found.set(id, endpoint);
      const application = proven.get(id);
      // Read again meanwhile, it may have told of a change that was not there yet when this one was compared.
      const stands = application !== undefined && application === this.#applications.get(apps.get(id)!);
      endpoint.provenIn = stands ? application.mark : null;
    }
    return found;
  }

  #isProven(app: string, appRev: number): boolean {
    const known = this.#applications.get(app);
    return known !== undefined && known.seen.rev >= appRev && this.nowMs() - known.atMs < PROVEN_FOR_MS;
  }

  /** Reads what applications tell. What they tell is read before the endpoints are, so a change in between shows later. */
  async #prove(apps: readonly string[]): Promise<void> {
    const atMs = this.nowMs();
    const rows = await this.source.tellingApplications(apps);
    if (this.#applications.size + rows.size > MAX_APPLICATIONS) this.#applications.clear();
    for (const [app, row] of rows) {
      const known = this.#applications.get(app);
      const changed = known === undefined ? null : changedSince(known.seen, row);
      for (const id of changed ?? []) {
        const kept = this.#kept.get(id);
        if (kept !== undefined) kept.provenIn = null;
      }
      const mark = known === undefined || changed === null ? {} : known.mark;
      this.#applications.set(app, { seen: changesSeen(row), atMs, mark });
    }
  }

  async #load(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    for (const row of await this.source.endpoints(ids)) this.#keep(prepared(row, this.box));
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) return;
      this.#kept.delete(id);
    }
  }

  #found(ids: readonly string[]): Map<string, PreparedEndpoint> {
    const found = new Map<string, PreparedEndpoint>();
    for (const id of ids) {
      const endpoint = this.#kept.get(id);
      if (endpoint === undefined) continue;
      this.#keep(endpoint);
      found.set(id, endpoint);
    }
    return found;
  }

  #keep(endpoint: PreparedEndpoint): void {
    this.#kept.delete(endpoint.row._id);
    this.#kept.set(endpoint.row._id, endpoint);
  }
}
