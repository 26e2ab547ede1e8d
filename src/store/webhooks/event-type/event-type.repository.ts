import type { EventTypeListQuery } from '../../../contracts/webhooks/event-type.js';
import type { Page } from '../../../contracts/webhooks/page.js';
import { DURABLE } from '../../connection.js';
import { duplicatePositions } from '../../duplicate-key.js';
import { pageById } from '../../page.js';
import type { WebhookModels } from '../webhook-models.js';
import { bumpCatalogue, registeredCatalogue } from './catalogue-revision.js';
import type { EventTypeRow } from './event-type.schema.js';

/** What can be set on an event type. */
export type EventTypeMembers = Omit<EventTypeRow, '_id' | 'rev' | 'createdAt' | 'updatedAt'>;

/** Event types by name. Every write stands between two bumps of the catalogue's revision, see EndpointRepository. */
export class EventTypeRepository {
  constructor(private readonly models: WebhookModels) {}

  find(name: string): Promise<EventTypeRow | null> {
    return this.models.eventTypes.findOne({ _id: name }).lean<EventTypeRow | null>();
  }

  /** Those of the names that are in use: stored and not archived. */
  async existing(names: readonly string[]): Promise<Set<string>> {
    const rows = await this.models.eventTypes
      .find({ _id: { $in: names }, archived: false }, { _id: 1 })
      .lean<{ _id: string }[]>();
    return new Set(rows.map((row) => row._id));
  }

  count(): Promise<number> {
    return this.models.eventTypes.estimatedDocumentCount();
  }

  list(query: EventTypeListQuery): Promise<Page<EventTypeRow>> {
    const filter = query.include_archived ? {} : { archived: false };
    return pageById(this.models.eventTypes.collection, filter, query);
  }

  /** @throws a duplicate key error when the name is taken */
  async insert(name: string, members: EventTypeMembers, now = new Date()): Promise<EventTypeRow> {
    // From the time, so that a type made anew never has a revision that caches know.
    const row: EventTypeRow = { _id: name, ...members, rev: now.getTime(), createdAt: now, updatedAt: now };
    await this.#announced(() =>
      this.models.eventTypes.collection.insertOne(row as never, { writeConcern: DURABLE }),
    );
    return row;
  }

  /** Changes the members that are given. Null when there is no such row, or it is not as `condition` says. */
  update(
    name: string,
    members: Partial<EventTypeMembers>,
    condition: { archived?: boolean } = {},
    now = new Date(),
  ): Promise<EventTypeRow | null> {
    return this.#announced(() =>
      this.models.eventTypes
        .findOneAndUpdate(
          { _id: name, ...condition },
          { $set: { ...members, updatedAt: now }, $inc: { rev: 1 } },
          { returnDocument: 'after', writeConcern: DURABLE },
        )
        .lean<EventTypeRow | null>(),
    );
  }

  async archiveOthers(names: readonly string[], now = new Date()): Promise<void> {
    await this.#announced(() =>
      this.models.eventTypes.updateMany(
        { _id: { $nin: names }, archived: false },
        { $set: { archived: true, updatedAt: now }, $inc: { rev: 1 } },
        { writeConcern: DURABLE },
      ),
    );
  }

  async delete(name: string): Promise<void> {
    await this.#announced(() => this.models.eventTypes.deleteOne({ _id: name }, { writeConcern: DURABLE }));
  }

  /** Whether an endpoint that is not deleted names this event type. */
  async isInUse(name: string): Promise<boolean> {
    return (await this.models.endpoints.exists({ eventTypes: name, deletedAt: null })) !== null;
  }

  /** Registers types once: those that were changed, archived or removed since stay as they are. */
  async register(version: number, types: readonly EventTypeRow[]): Promise<void> {
    if ((await registeredCatalogue(this.models)) >= version) return;
    try {
      await this.models.eventTypes.collection.insertMany(types as never, {
        ordered: false,
        writeConcern: DURABLE,
      });
    } catch (error) {
      duplicatePositions(error); // what is there already stays; anything else is thrown on
    }
    await bumpCatalogue(this.models, { catalogue: version });
  }

  async #announced<T>(write: () => Promise<T>): Promise<T> {
    await bumpCatalogue(this.models);
    try {
      return await write();
    } finally {
      await bumpCatalogue(this.models);
    }
  }
}
