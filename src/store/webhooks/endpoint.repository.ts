import type { EndpointPatch, EndpointUpdate } from '../../contracts/webhooks/endpoint.js';
import type { EndpointPolicy } from '../../contracts/webhooks/endpoint-policy.js';
import type { Page, PageRequest } from '../../contracts/webhooks/page.js';
import { newId } from '../../platform/ids.js';
import { DURABLE } from '../connection.js';
import { insertOrExisting } from '../insert-or-existing.js';
import { pageById } from '../page.js';
import { announced } from './announced.js';
import type { ApplicationRepository } from './application.repository.js';
import type { EndpointRow, SigningKeyRow } from './endpoint.schema.js';
import type { WebhookModels } from './webhook-models.js';

export interface NewEndpoint extends EndpointUpdate {
  key: SigningKeyRow;
  headersEnc: string | null;
}

/**
 * Endpoints of an application. Every write stands between two bumps of the application's revision: a cache filled
 * before or during the write is then stale by the second bump, so a message accepted after the answer sees it.
 */
export class EndpointRepository {
  constructor(
    private readonly models: WebhookModels,
    private readonly applications: ApplicationRepository,
  ) {}

  /**
   * Inserting the same id again gives the row that is there, so a repeated request creates one endpoint.
   * @throws a duplicate key error when the uid is taken
   */
  async insert(app: string, input: NewEndpoint, id = newId('ep'), now = new Date()): Promise<EndpointRow> {
    const row: EndpointRow = {
      _id: id,
      app,
      uk: uniqueKey(app, input.uid ?? id),
      uid: input.uid ?? null,
      url: input.url,
      description: input.description,
      eventTypes: input.eventTypes ?? null,
      channels: input.channels ?? null,
      filter: null,
      disabled: input.disabled,
      disabledReason: input.disabled ? 'manual' : null,
      throttleRate: input.throttleRate ?? null,
      metadata: input.metadata,
      headersEnc: input.headersEnc,
      keys: [input.key],
      failingSince: null,
      policy: null,
      lane: null,
      rev: 1,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    };
    return announced(this.applications, app, () => insertOrExisting(this.models.endpoints.collection, row));
  }

  find(app: string, idOrUid: string): Promise<EndpointRow | null> {
    const key = /^ep_[0-9A-Za-z]{27}$/.test(idOrUid) ? { _id: idOrUid } : { uk: uniqueKey(app, idOrUid) };
    return this.models.endpoints.findOne({ ...key, app, deletedAt: null }).lean<EndpointRow | null>();
  }

  /** Endpoints by id, those that were deleted too. */
  findMany(ids: readonly string[]): Promise<EndpointRow[]> {
    return this.models.endpoints
      .find({ _id: { $in: ids } }, { keys: 0, headersEnc: 0 })
      .lean<EndpointRow[]>();
  }

  count(app: string): Promise<number> {
    return this.models.endpoints.countDocuments({ app, deletedAt: null });
  }

  list(
    app: string,
    request: PageRequest & { order: 'ascending' | 'descending' },
  ): Promise<Page<EndpointRow>> {
    return pageById(this.models.endpoints.collection, { app, deletedAt: null }, request);
  }

  /** Changes the members that are given; null clears. @throws a duplicate key error when the uid is taken */
  update(row: EndpointRow, patch: EndpointPatch, now = new Date()): Promise<EndpointRow | null> {
    const { uid, disabled, ...rest } = patch;
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const key = uid === undefined ? {} : { uid, uk: uniqueKey(row.app, uid ?? row._id) };
    const state =
      disabled === undefined
        ? {}
        : { disabled, disabledReason: disabled ? 'manual' : null, failingSince: null };
    return this.#set(row, { ...given, ...key, ...state, updatedAt: now });
  }

  /** Null when the endpoint changed since `row` was read: headers and keys are derived from what was read. */
  replaceSecrets(
    row: EndpointRow,
    secrets: { headersEnc?: string | null; keys?: SigningKeyRow[] },
    now = new Date(),
  ): Promise<EndpointRow | null> {
    return this.#set(row, { ...secrets, updatedAt: now }, { rev: row.rev });
  }

  /** Null when the endpoint changed since `row` was read: its lane is decided from what was read. */
  setPolicy(
    row: EndpointRow,
    { policy, filter, lane }: Pick<EndpointRow, 'filter'> & { policy: EndpointPolicy; lane: string | null },
    now = new Date(),
  ): Promise<EndpointRow | null> {
    return this.#set(row, { policy, filter, lane, updatedAt: now }, { rev: row.rev });
  }

  /** Frees the uid; the delivery side cancels what is open. */
  async delete(row: EndpointRow, now = new Date()): Promise<void> {
    await this.#set(row, { deletedAt: now, updatedAt: now, uk: uniqueKey(row.app, row._id) });
  }

  async #set(
    row: EndpointRow,
    members: Record<string, unknown>,
    condition: { rev?: number } = {},
  ): Promise<EndpointRow | null> {
    return announced(this.applications, row.app, () =>
      this.models.endpoints
        .findOneAndUpdate(
          { _id: row._id, ...condition, deletedAt: null },
          { $set: members, $inc: { rev: 1 } },
          { returnDocument: 'after', writeConcern: DURABLE },
        )
        .lean<EndpointRow | null>(),
    );
  }
}

const uniqueKey = (app: string, uidOrId: string) => `${app}:${uidOrId}`;
