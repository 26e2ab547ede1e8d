import { MESSAGE_STATUS } from '../../../contracts/webhooks/attempt.js';
import type { AttemptFilters, AttemptListQuery } from '../../../contracts/webhooks/attempt.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { facet } from '../../../domain/webhooks/facets.js';
import { boundedCount, narrowest } from '../../bounded-count.js';
import type { BoundedCount } from '../../bounded-count.js';
import { boundedPage } from '../../bounded-page.js';
import type { BoundedScan } from '../../bounded-page.js';
import { DURABLE } from '../../connection.js';
import type { AttemptRow } from '../attempt.schema.js';
import type { WebhookModels } from '../webhook-models.js';
import { facetRest, facetScans, idWindow, labelGroups } from './list-filter.js';

export type AttemptScope = { ep: string } | { msg: string } | { dlv: string };

const FAILED = [0, 100, 300, 400, 500];
const SUCCEEDED = [200];
/** What a list shows; the headers have their own route. */
const WITHOUT_HEADERS = { headers: 0, sensitive: 0, sig: 0, answerHeaders: 0 };

/** Attempts as clients read them; the delivery side writes them (attempt.repository.ts). */
export class AttemptListRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Newest first. */
  async list(scope: AttemptScope, query: AttemptListQuery): Promise<Page<AttemptRow>> {
    const projection = query.with_content ? WITHOUT_HEADERS : { ...WITHOUT_HEADERS, response: 0 };
    const request = { ...query, order: 'descending' as const };
    const scan = await narrowest(this.#attempts, attemptScans(scope, query));
    return boundedPage(this.#attempts, scan, request, projection);
  }

  /** How many attempts an endpoint has that meet the filters. */
  async count(ep: string, filters: AttemptFilters): Promise<BoundedCount> {
    return boundedCount(this.#attempts, await narrowest(this.#attempts, attemptScans({ ep }, filters)));
  }

  find(msg: string, id: string): Promise<AttemptRow | null> {
    return this.models.attempts.findOne({ _id: id, msg }).lean<AttemptRow | null>();
  }

  /** The tries of a delivery, first one first. */
  async ofDelivery(dlv: string, limit: number): Promise<AttemptRow[]> {
    const rows = this.#attempts
      .find({ dlv }, { projection: WITHOUT_HEADERS })
      .sort({ dlv: 1, n: 1 })
      .limit(limit);
    return (await rows.toArray()) as unknown as AttemptRow[];
  }

  /** The latest attempt of an endpoint that ended so; null when there is none. */
  async latest(ep: string, ok: boolean): Promise<AttemptRow | null> {
    const found = await Promise.all(
      (ok ? SUCCEEDED : FAILED).map((from) =>
        this.#attempts
          .find({ ep, k: facet.codeClass(from) })
          .sort({ _id: -1 })
          .limit(1)
          .toArray(),
      ),
    );
    const rows = found.flat() as unknown as AttemptRow[];
    return rows.reduce<AttemptRow | null>((a, b) => (a === null || b._id > a._id ? b : a), null);
  }

  /** Removes what the receiver answered; the attempt stays. */
  async expunge(id: string): Promise<void> {
    await this.#attempts.updateOne(
      { _id: id as never },
      { $set: { response: null } },
      { writeConcern: DURABLE },
    );
  }

  get #attempts() {
    return this.models.attempts.collection;
  }
}

function attemptScans(scope: AttemptScope, filters: AttemptFilters): [BoundedScan, ...BoundedScan[]] {
  const owner = { ...scope, ...idWindow('atmpt', filters) };
  const classes = classesOf(filters);
  if (classes?.length === 0) return [{ branches: [], rest: null }];
  const groups = [...labelGroups(filters), ...(classes === null ? [] : [classes.map(facet.codeClass)])];
  if ('ep' in scope) return facetScans(owner, groups);
  // A message has few attempts: its own index is enough.
  return [{ branches: [owner], rest: facetRest(groups) }];
}

/** Answers that the filters let through, by class; null = all. A success is a 2xx, and nothing else is. */
function classesOf({ status, status_code_class: codeClass }: AttemptFilters): number[] | null {
  const ofStatus =
    status === undefined
      ? null
      : status === MESSAGE_STATUS.success
        ? SUCCEEDED
        : // An attempt is written when it has ended: pending, sending and canceled match none.
          status === MESSAGE_STATUS.fail
          ? FAILED
          : [];
  if (codeClass === undefined) return ofStatus;
  return ofStatus === null || ofStatus.includes(codeClass) ? [codeClass] : [];
}
