import type { EndpointPatch, EndpointUpdate } from '../../contracts/webhooks/endpoint.js';
import type { EndpointPolicy } from '../../contracts/webhooks/endpoint-policy.js';
import type { Transformation } from '../../contracts/webhooks/transformation.js';
import type { Page, PageRequest } from '../../contracts/webhooks/page.js';
import { OPERATIONAL_APP } from '../../contracts/webhooks/operational-event.js';
import type { OperationalEventType } from '../../contracts/webhooks/operational-event.js';
import { newId } from '../../platform/ids.js';
import { DURABLE } from '../connection.js';
import { insertOrExisting } from '../insert-or-existing.js';
import { pageById } from '../page.js';
import { announced } from './announced.js';
import type { ApplicationRepository } from './application.repository.js';
import type { EndpointRow, SigningKeyRow } from './endpoint.schema.js';
import { newOutboxEvent } from './operational/outbox.js';
import { OutboxBell } from './operational/outbox-bell.js';
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
    /** Rings after each change that operational endpoints hear of. */
    private readonly bell = new OutboxBell(),
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
      ...(app === OPERATIONAL_APP ? {} : { outbox: [newOutboxEvent('endpoint.created', {}, now)] }),
    };
    const stored = await announced(this.applications, row, () =>
      insertOrExisting(this.models.endpoints.collection, row),
    );
    this.bell.ring();
    return stored;
  }

  find(app: string, idOrUid: string): Promise<EndpointRow | null> {
    const key = /^ep_[0-9A-Za-z]{27}$/.test(idOrUid) ? { _id: idOrUid } : { uk: uniqueKey(app, idOrUid) };
    return this.models.endpoints.findOne({ ...key, app, deletedAt: null }).lean<EndpointRow | null>();
  }

  /** Endpoints by id, those that were deleted too. */
  findMany(ids: readonly string[]): Promise<EndpointRow[]> {
    return this.models.endpoints
      .find({ _id: { $in: ids } }, { keys: 0, headersEnc: 0, tlsEnc: 0, oauthEnc: 0 })
      .lean<EndpointRow[]>();
  }

  /** Of an application, enabled or not. Said so that the keys of one index tell. */
  count(app: string): Promise<number> {
    return this.models.endpoints.countDocuments({
      deletedAt: null,
      disabled: { $in: [false, true] },
      app,
    });
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
    const events = changeEvents(row.disabled, patch);
    return this.#set(row, { ...given, ...key, ...state, updatedAt: now }, { events });
  }

  /** Null when the endpoint changed since `row` was read: what is sealed is derived from what was read. */
  replaceSecrets(
    row: EndpointRow,
    secrets: {
      headersEnc?: string | null;
      tlsEnc?: string | null;
      oauthEnc?: string | null;
      keys?: SigningKeyRow[];
    },
    now = new Date(),
  ): Promise<EndpointRow | null> {
    return this.#set(row, { ...secrets, updatedAt: now }, { when: { rev: row.rev } });
  }

  /** Null when the endpoint changed since `row` was read: its lane is decided from what was read. */
  setPolicy(
    row: EndpointRow,
    { policy, filter, lane }: Pick<EndpointRow, 'filter'> & { policy: EndpointPolicy; lane: string | null },
    now = new Date(),
  ): Promise<EndpointRow | null> {
    return this.#set(row, { policy, filter, lane, updatedAt: now }, { when: { rev: row.rev } });
  }

  /** Null when the endpoint changed since `row` was read. */
  setTransformation(
    row: EndpointRow,
    transformation: Transformation,
    now = new Date(),
  ): Promise<EndpointRow | null> {
    return this.#set(row, { transformation, updatedAt: now }, { when: { rev: row.rev } });
  }

  /** Frees the uid; the delivery side cancels what is open. */
  async delete(row: EndpointRow, now = new Date()): Promise<void> {
    const members = { deletedAt: now, updatedAt: now, uk: uniqueKey(row.app, row._id) };
    await this.#set(row, members, { events: ['endpoint.deleted'] });
  }

  async #set(
    row: EndpointRow,
    members: Record<string, unknown>,
    { when = {}, events = ['endpoint.updated'] }: SetOptions = {},
  ): Promise<EndpointRow | null> {
    const told = row.app === OPERATIONAL_APP ? [] : events.map(manualEvent);
    const changed = await announced(this.applications, row, () =>
      this.models.endpoints
        .findOneAndUpdate(
          { _id: row._id, ...when, deletedAt: null },
          {
            $set: members,
            $inc: { rev: 1 },
            ...(told.length === 0 ? {} : { $push: { outbox: { $each: told } } }),
          },
          { returnDocument: 'after', writeConcern: DURABLE },
        )
        .lean<EndpointRow | null>(),
    );
    if (told.length > 0) this.bell.ring();
    return changed;
  }
}

interface SetOptions {
  when?: { rev?: number };
  /** What operational endpoints hear of it. */
  events?: OperationalEventType[];
}

const manualEvent = (type: OperationalEventType) =>
  newOutboxEvent(type, type === 'endpoint.disabled' ? { trigger: 'manual' } : {});

/** A change of `disabled` has an event of its own; every other one is an update. */
function changeEvents(was: boolean, { disabled = was, ...rest }: EndpointPatch): OperationalEventType[] {
  const switched: OperationalEventType[] =
    disabled === was ? [] : [disabled ? 'endpoint.disabled' : 'endpoint.enabled'];
  const given = Object.values(rest).some((value) => value !== undefined);
  return given || switched.length === 0 ? ['endpoint.updated', ...switched] : switched;
}

const uniqueKey = (app: string, uidOrId: string) => `${app}:${uidOrId}`;
