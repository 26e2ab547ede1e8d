import { RETENTION_STAGES } from '../../../contracts/webhooks/retention-job.js';
import type {
  RetentionCursor,
  RetentionPage,
  RetentionStage,
} from '../../../contracts/webhooks/retention-job.js';
import type {
  OwnRetention,
  RetentionRepository,
} from '../../../store/webhooks/retention/retention.repository.js';

/** Days that things are kept where an application says nothing else. */
export interface RetentionDays {
  attemptDays: number;
  rowDays: number;
}

const DAY_MS = 86_400_000;
/** Pages of the store in one page of the workflow, so that its history stays short. */
const STORE_PAGES = 10;

/**
 * Removes what is older than it is kept, page by page: first of all applications that keep to the environment's
 * times, then of each one that has its own. An application under legal hold loses nothing.
 */
export class Retention {
  constructor(
    private readonly rows: RetentionRepository,
    private readonly days: RetentionDays,
    private readonly now: () => Date = () => new Date(),
  ) {}

  async page(from: RetentionCursor | null, alive: () => void): Promise<RetentionPage> {
    const own = await this.rows.applicationsWithOwnTimes();
    let cursor = from ?? { stage: RETENTION_STAGES[0], app: null, after: '' };
    let removed = 0;
    for (let pages = 0; pages < STORE_PAGES; pages++) {
      const done = await this.#removeFrom(cursor, own);
      removed += done.removed;
      alive();
      if (done.after === null) return { stage: cursor.stage, removed, next: nextScope(cursor, own) };
      cursor = { ...cursor, after: done.after };
    }
    return { stage: cursor.stage, removed, next: cursor };
  }

  #removeFrom({ stage, app, after }: RetentionCursor, own: readonly OwnRetention[]) {
    const now = this.now();
    if (stage === 'payloads') return this.rows.removePayloads(now, held(own), after);
    const times = own.find(({ id }) => id === app) ?? null;
    const before = new Date(now.getTime() - this.#daysOf(stage, times) * DAY_MS);
    if (app === null) {
      const except = own.map(({ id }) => id);
      return this.rows.removeOfOthers({ stage, before, after, except, now });
    }
    return this.rows.removeOf({ stage, before, after, app });
  }

  #daysOf(stage: RetentionStage, times: OwnRetention | null): number {
    if (stage === 'attempts') return times?.attemptDays ?? this.days.attemptDays;
    return times?.rowDays ?? this.days.rowDays;
  }
}

const held = (own: readonly OwnRetention[]) => own.filter(({ legalHold }) => legalHold).map(({ id }) => id);

/** The next application with times of its own, or the next stage; null after the last. */
function nextScope({ stage, app }: RetentionCursor, own: readonly OwnRetention[]): RetentionCursor | null {
  const next = own.find(({ id, legalHold }) => !legalHold && (app === null || id > app));
  // When a payload expires stands in its message: one scope is all.
  if (next !== undefined && stage !== 'payloads') return { stage, app: next.id, after: '' };
  const following = RETENTION_STAGES[RETENTION_STAGES.indexOf(stage) + 1];
  return following === undefined ? null : { stage: following, app: null, after: '' };
}
