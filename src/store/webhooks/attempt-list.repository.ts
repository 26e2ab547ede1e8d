import { MESSAGE_STATUS } from '../../contracts/webhooks/attempt.js';
import type { AttemptListQuery } from '../../contracts/webhooks/attempt.js';
import type { Page } from '../../contracts/webhooks/page.js';
import { pageById } from '../page.js';
import type { AttemptRow } from './attempt.schema.js';
import { rowFilter } from './list-filter.js';
import type { WebhookModels } from './webhook-models.js';

/** Attempts as clients list them; the delivery side writes them (attempt.repository.ts). */
export class AttemptListRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Newest first. */
  list(
    scope: { ep: string } | { msg: string; ep?: string },
    query: AttemptListQuery,
  ): Promise<Page<AttemptRow>> {
    const filter = { ...scope, ...rowFilter('atmpt', query), ...statusFilter(query), ...classFilter(query) };
    return pageById(this.models.attempts.collection, filter, { ...query, order: 'descending' });
  }
}

// An attempt is written when it has ended: pending, sending and canceled match none.
function statusFilter({ status }: AttemptListQuery): Record<string, unknown> {
  if (status === undefined) return {};
  if (status === MESSAGE_STATUS.success) return { ok: true };
  return status === MESSAGE_STATUS.fail ? { ok: false } : { ok: null };
}

function classFilter({ status_code_class: from }: AttemptListQuery): Record<string, unknown> {
  if (from === undefined) return {};
  return from === 0 ? { code: 0 } : { code: { $gte: from, $lt: from + 100 } };
}
