import { randomBytes } from 'node:crypto';
import type { ApplicationIn, ApplicationPatch } from '../../contracts/webhooks/application.js';
import { OPERATIONAL_APP } from '../../contracts/webhooks/operational-event.js';
import type { RetrySchedule } from '../../contracts/webhooks/endpoint-policy.js';
import type { Page, PageRequest } from '../../contracts/webhooks/page.js';
import type { ApplicationRetention } from '../../contracts/webhooks/retention.js';
import { changeToken, MOST_TOLD } from '../../domain/webhooks/told-changes.js';
import { newId } from '../../platform/ids.js';
import { DURABLE } from '../connection.js';
import { insertOrExisting } from '../insert-or-existing.js';
import { pageById } from '../page.js';
import type { ApplicationRow } from './application.schema.js';
import { DeliveryRepository } from './delivery.repository.js';
import type { WebhookModels } from './webhook-models.js';

const TOKEN_BYTES = 6;
/** Of an endpoint where the same write says so (`beginChange`), else of none. */
const TOLD = { rev: 1, 'changes.told': 1 };

/** Applications by id or uid. Every change bumps `rev`, which is what caches compare with. */
export class ApplicationRepository {
  constructor(private readonly models: WebhookModels) {}

  /**
   * Inserting the same id again gives the row that is there, so a repeated request creates one application.
   * @throws a duplicate key error when the uid is taken
   */
  async insert(input: ApplicationIn, id = newId('app'), now = new Date()): Promise<ApplicationRow> {
    const row: ApplicationRow = {
      _id: id,
      uk: input.uid ?? id,
      uid: input.uid ?? null,
      name: input.name,
      rev: 1,
      throttleRate: input.throttleRate ?? null,
      metadata: input.metadata,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    };
    return insertOrExisting(this.models.applications.collection, row);
  }

  /** By id or uid, as a caller may name it: the application of operational endpoints is not among them. */
  async find(idOrUid: string): Promise<ApplicationRow | null> {
    return idOrUid === OPERATIONAL_APP ? null : this.findAny(idOrUid);
  }

  findAny(idOrUid: string): Promise<ApplicationRow | null> {
    return this.models.applications
      .findOne({ ...byKey(idOrUid), deletedAt: null })
      .lean<ApplicationRow | null>();
  }

  /** As `findAny`, with what it tells of changes of its endpoints. */
  findTelling(idOrUid: string): Promise<ApplicationRow | null> {
    return this.models.applications
      .findOne({ ...byKey(idOrUid), deletedAt: null })
      .select('+changes')
      .lean<ApplicationRow | null>();
  }

  /** Ids by the ids or uids that callers named, of those that there are. */
  async resolve(references: readonly string[]): Promise<Map<string, string>> {
    const keys = references.filter((one) => one !== OPERATIONAL_APP).map(byKey);
    const ids = keys.flatMap(({ _id }) => _id ?? []);
    const uids = keys.flatMap(({ uk }) => uk ?? []);
    const rows = await Promise.all(
      [{ _id: { $in: ids } }, { uk: { $in: uids } }].map((named) =>
        this.models.applications
          .find({ ...named, deletedAt: null }, { _id: 1, uk: 1 })
          .lean<Pick<ApplicationRow, '_id' | 'uk'>[]>(),
      ),
    );
    const found = new Map(rows.flat().flatMap(({ _id, uk }) => [[_id, _id] as const, [uk, _id] as const]));
    return new Map(references.flatMap((one) => (found.has(one) ? [[one, found.get(one)!] as const] : [])));
  }

  list(
    request: PageRequest & { order: 'ascending' | 'descending' },
    onlyId: string | null,
  ): Promise<Page<ApplicationRow>> {
    const filter = { deletedAt: null, _id: onlyId ?? { $ne: OPERATIONAL_APP } };
    return pageById(this.models.applications.collection, filter, request);
  }

  /** Changes the members that are given; null clears. @throws a duplicate key error when the uid is taken */
  update(id: string, patch: ApplicationPatch, now = new Date()): Promise<ApplicationRow | null> {
    const { uid, ...rest } = patch;
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const key = uid === undefined ? {} : { uid, uk: uid ?? id };
    return this.models.applications
      .findOneAndUpdate(
        { _id: id, deletedAt: null },
        { $set: { ...given, ...key, updatedAt: now }, $inc: TOLD },
        { returnDocument: 'after', writeConcern: DURABLE },
      )
      .lean<ApplicationRow | null>();
  }

  /** The waits between tries for endpoints and event types that have none of their own; null clears. */
  async setRetrySchedule(id: string, retrySchedule: RetrySchedule | null): Promise<void> {
    await this.models.applications.updateOne(
      { _id: id, deletedAt: null },
      { $set: { retrySchedule, updatedAt: new Date() }, $inc: TOLD },
      { writeConcern: DURABLE },
    );
  }

  /** How long its data is kept, where it differs from the environment. */
  async setRetention(id: string, retention: ApplicationRetention): Promise<void> {
    await this.models.applications.updateOne(
      { _id: id, deletedAt: null },
      { $set: { retention, updatedAt: new Date() }, $inc: TOLD },
      { writeConcern: DURABLE },
    );
  }

  /** Frees the uid and stops deliveries; rows stay until retention. */
  async delete(id: string, now = new Date()): Promise<void> {
    await this.models.applications.updateOne(
      { _id: id, deletedAt: null },
      { $set: { deletedAt: now, updatedAt: now, uk: id }, $inc: TOLD },
      { writeConcern: DURABLE },
    );
    await new DeliveryRepository(this.models).cancelOpen({ app: id }, 'app_deleted');
  }

  /** Tells that an endpoint is about to change, see `announced`. @returns what tells that it did */
  async beginChange(id: string, endpoint: string): Promise<string> {
    const token = changeToken(endpoint, randomBytes(TOKEN_BYTES).toString('base64url'));
    const open = { $each: [token], $slice: -MOST_TOLD };
    await this.#tell(id, { $inc: TOLD, $push: { 'changes.open': open } });
    return token;
  }

  async endChange(id: string, token: string): Promise<void> {
    const ended = { $each: [token], $slice: -MOST_TOLD };
    await this.#tell(id, {
      $inc: TOLD,
      $push: { 'changes.ended': ended },
      $pull: { 'changes.open': token },
    });
  }

  async #tell(id: string, update: object): Promise<void> {
    const { collection } = this.models.applications;
    await collection.updateOne({ _id: id as never }, update, { writeConcern: DURABLE });
  }
}

/** An id has a fixed form that no uid may take, so a reference is one or the other. */
const byKey = (idOrUid: string): { _id?: string; uk?: string } =>
  /^app_[0-9A-Za-z]{27}$/.test(idOrUid) ? { _id: idOrUid } : { uk: idOrUid };
