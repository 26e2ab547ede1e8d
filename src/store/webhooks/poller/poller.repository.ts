import type { PollingEndpointIn } from '../../../contracts/webhooks/poller.js';
import type { Page, PageRequest } from '../../../contracts/webhooks/page.js';
import { DURABLE } from '../../connection.js';
import { insertOrExisting } from '../../insert-or-existing.js';
import { pageById } from '../../page.js';
import type { WebhookModels } from '../webhook-models.js';
import type { PollerRow, PollerToken } from './poller.schema.js';

/** Polling endpoints of an application. */
export class PollerRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Inserting the same id again gives the row that is there. @throws a duplicate key error when the uid is taken */
  insert(app: string, input: PollingEndpointIn, id: string, now = new Date()): Promise<PollerRow> {
    return insertOrExisting<PollerRow>(this.models.pollers.collection, {
      ...{ _id: id, app, token: null, rev: 1, createdAt: now, updatedAt: now, deletedAt: null },
      ...membersOf(app, id, input),
    });
  }

  find(app: string, idOrUid: string): Promise<PollerRow | null> {
    const key = /^poll_[0-9A-Za-z]{27}$/.test(idOrUid) ? { _id: idOrUid } : { uk: `${app}:${idOrUid}` };
    return this.models.pollers.findOne({ ...key, app, deletedAt: null }).lean<PollerRow | null>();
  }

  count(app: string): Promise<number> {
    return this.models.pollers.countDocuments({ app, deletedAt: null });
  }

  list(app: string, request: PageRequest): Promise<Page<PollerRow>> {
    return pageById(
      this.models.pollers.collection,
      { app, deletedAt: null },
      { ...request, order: 'ascending' },
    );
  }

  /** @throws a duplicate key error when the uid is taken */
  replace(row: PollerRow, input: PollingEndpointIn): Promise<PollerRow | null> {
    return this.#set(row, membersOf(row.app, row._id, input));
  }

  /** Null when the row changed since it was read: then another token may have been made. */
  setToken(row: PollerRow, token: PollerToken): Promise<PollerRow | null> {
    return this.#set(row, { token }, { rev: row.rev });
  }

  /** Frees the uid. */
  async delete(row: PollerRow): Promise<void> {
    await this.#set(row, { deletedAt: new Date(), uk: `${row.app}:${row._id}`, token: null });
  }

  #set(row: PollerRow, members: Partial<PollerRow>, condition: { rev?: number } = {}) {
    return this.models.pollers
      .findOneAndUpdate(
        { _id: row._id, ...condition, deletedAt: null },
        { $set: { updatedAt: new Date(), ...members }, $inc: { rev: 1 } },
        { returnDocument: 'after', writeConcern: DURABLE },
      )
      .lean<PollerRow | null>();
  }
}

const membersOf = (app: string, id: string, input: PollingEndpointIn) => ({
  uk: `${app}:${input.uid ?? id}`,
  uid: input.uid ?? null,
  description: input.description,
  eventTypes: input.eventTypes ?? null,
  channels: input.channels ?? null,
  filter: input.filter == null ? null : JSON.stringify(input.filter),
  metadata: input.metadata,
  disabled: input.disabled,
});
