import type { MessageListQuery } from '../../contracts/webhooks/message.js';
import type { Page } from '../../contracts/webhooks/page.js';
import { DURABLE } from '../connection.js';
import { duplicatePositions } from '../duplicate-key.js';
import { narrowest } from '../bounded-count.js';
import { boundedPage } from '../bounded-page.js';
import { facetScans, idWindow, labelGroups } from './lists/list-filter.js';
import { fanOut } from './fan-out.js';
import { keepsOrder } from './message-draft.js';
import type { MessageRow } from './message.schema.js';
import type { WebhookModels } from './webhook-models.js';

/** Messages hold payloads, so fewer are looked at for a page than of other rows. */
const SCAN_ROWS = 300;
const MENDED_MS = 60_000;
/** What lists do not show. */
const UNUSED = { targets: 0, skipped: 0, packed: 0 };

export class MessageRepository {
  constructor(private readonly models: WebhookModels) {}

  /**
   * Stores messages durably: when this resolves, the rows that are not in the answer are journaled on a majority.
   * @returns the rows that a unique index refused (event id or idempotency key seen before)
   */
  async insert(rows: readonly MessageRow[]): Promise<Set<MessageRow>> {
    try {
      await this.models.messages.collection.insertMany(rows as never, {
        ordered: false,
        writeConcern: DURABLE,
      });
      return new Set();
    } catch (error) {
      return new Set(duplicatePositions(error).map((position) => rows[position]!));
    }
  }

  /** The id of the newest message of an application. */
  async newest(app: string): Promise<string | null> {
    const [row] = await this.models.messages.collection
      .find({ app }, { projection: { _id: 1 } })
      .sort({ _id: -1 })
      .limit(1)
      .toArray();
    return row === undefined ? null : String(row._id);
  }

  /**
   * Stores what a message lacks of deliveries that keep an order, when its process may have died before it did. Older
   * ones are the sweeper's, and may be past their retention.
   */
  async completeOrder(row: MessageRow): Promise<void> {
    if (!keepsOrder(row) || Date.now() - row.at.getTime() > MENDED_MS) return;
    await fanOut(this.models, [{ ...row, targets: row.targets.filter(({ f }) => f !== undefined) }]);
  }

  /** The row that took the idempotency key, or failing that the event id. */
  async takenBy(row: MessageRow): Promise<{ row: MessageRow; sameKey: boolean } | null> {
    const { messages } = this.models;
    const { ik, ek } = row;
    const byKey = ik === undefined ? null : await messages.findOne({ ik }).lean<MessageRow | null>();
    if (byKey !== null) return { row: byKey, sameKey: true };
    const byEventId = ek === undefined ? null : await messages.findOne({ ek }).lean<MessageRow | null>();
    return byEventId === null ? null : { row: byEventId, sameKey: false };
  }

  /** By id or event id. */
  find(app: string, idOrEventId: string): Promise<MessageRow | null> {
    const key = /^msg_[0-9A-Za-z]{27}$/.test(idOrEventId)
      ? { _id: idOrEventId, app }
      : { ek: `${app}:${idOrEventId}` };
    return this.models.messages.findOne(key).lean<MessageRow | null>();
  }

  findMany(ids: readonly string[], withContent = false): Promise<MessageRow[]> {
    const projection = withContent ? UNUSED : { ...UNUSED, body: 0 };
    return this.models.messages.find({ _id: { $in: ids } }, projection).lean<MessageRow[]>();
  }

  async list(app: string, query: MessageListQuery): Promise<Page<MessageRow>> {
    const { collection } = this.models.messages;
    const scans = facetScans({ app, ...idWindow('msg', query) }, labelGroups(query));
    const scan = { ...(await narrowest(collection, scans)), scanRows: SCAN_ROWS };
    const projection = query.with_content ? UNUSED : { ...UNUSED, body: 0 };
    const request = { ...query, order: 'descending' as const };
    return boundedPage(collection, scan, request, projection);
  }

  /** Removes the payload; the row and what became of it stay. */
  async expunge(id: string): Promise<void> {
    await this.models.messages.updateOne({ _id: id }, { $set: { body: null } }, { writeConcern: DURABLE });
  }

  /** As `expunge`, by ids or event ids. @returns those that were found */
  async expungeMany(app: string, references: readonly string[]): Promise<Set<string>> {
    const { messages } = this.models;
    const projection = { _id: 1, ek: 1 } as const;
    const [byId, byEventId] = await Promise.all([
      messages.find({ _id: { $in: references }, app }, projection).lean<Pick<MessageRow, '_id' | 'ek'>[]>(),
      messages
        .find({ ek: { $in: references.map((one) => `${app}:${one}`) } }, projection)
        .lean<Pick<MessageRow, '_id' | 'ek'>[]>(),
    ]);
    const ids = [...byId, ...byEventId].map((row) => row._id);
    if (ids.length > 0) {
      await messages.updateMany({ _id: { $in: ids } }, { $set: { body: null } }, { writeConcern: DURABLE });
    }
    const eventIds = byEventId.map((row) => row.ek!.slice(app.length + 1));
    return new Set([...byId.map((row) => row._id), ...eventIds]);
  }
}
