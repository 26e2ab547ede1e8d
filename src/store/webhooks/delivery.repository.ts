import { IN_FLIGHT, OPEN_STATES } from '../../contracts/webhooks/delivery.js';
import { DURABLE } from '../connection.js';
import { duplicatePositions, isDuplicateKey } from '../duplicate-key.js';
import { deliveryRows } from './delivery-rows.js';
import type { DeliveryRow } from './delivery.schema.js';
import type { MessageRow } from './message.schema.js';
import type { OutboxEvent } from './operational/outbox.js';
import type { WebhookModels } from './webhook-models.js';

/** A new state of a delivery, decided from the row as it was at `rev`. */
export interface DeliveryChange {
  _id: string;
  rev: number;
  set: Partial<
    Pick<DeliveryRow, 'state' | 'reason' | 'n' | 'base' | 'firstAt' | 'lastAt' | 'lastCode' | 'told'>
  >;
  /** What operational endpoints hear of it. */
  event?: OutboxEvent;
  /** Where it waits next; null when it is finished. */
  q: { l: string; at: Date } | null;
  /** The row as it was meant to be stored, when it may not be there yet: then it is inserted as changed. */
  orInsert?: DeliveryRow;
}

export interface DueQuery {
  now: Date;
  /** Only rows due at or after this time; the whole lane when left out. */
  from?: Date;
  limit: number;
  /** Endpoints that cannot take more at the moment. */
  skipEndpoints: readonly string[];
}

export interface DeliveryIds {
  deliveryId: string;
  messageId: string;
  endpointId: string;
  appId: string;
}

const NEW_ROW_MS = 60_000;

/** Deliveries as the delivery side reads and writes them. Every change compares and bumps `rev`. */
export class DeliveryRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Due rows of a lane, longest due first. */
  async due(lane: string, { now, from, limit, skipEndpoints }: DueQuery): Promise<DeliveryRow[]> {
    const filter = {
      'q.l': lane,
      'q.at': { $lte: now, ...(from === undefined ? {} : { $gte: from }) },
      ...(skipEndpoints.length === 0 ? {} : { ep: { $nin: skipEndpoints } }),
    };
    const found = this.#rows.find(filter).sort({ 'q.at': 1 }).limit(limit).batchSize(limit);
    return (await found.toArray()) as unknown as DeliveryRow[];
  }

  /** Deliveries that were on their way when their lane changed hands: all due within a time, or which of some still are. */
  async inFlight(
    which: { lane: string; withinMs: number } | { ids: string[] },
  ): Promise<Pick<DeliveryRow, '_id' | 'ep' | 'q'>[]> {
    const now = Date.now();
    const filter =
      'ids' in which
        ? { _id: { $in: which.ids as never[] }, 'q.at': { $gt: new Date(now) } }
        : { 'q.l': which.lane, 'q.at': { $gt: new Date(now), $lt: new Date(now + which.withinMs) } };
    const found = this.#rows.find({ ...filter, reason: IN_FLIGHT }, { projection: { ep: 1, q: 1 } });
    return (await found.toArray()) as unknown as Pick<DeliveryRow, '_id' | 'ep' | 'q'>[];
  }

  async find(id: string): Promise<DeliveryRow | null> {
    return (await this.#rows.findOne({ _id: id as never })) as unknown as DeliveryRow | null;
  }

  /**
   * The delivery of a message to an endpoint, made now if the message was not meant for it at first. A new row is
   * due in its lane a minute from now, so that it is not lost if its maker dies.
   * @returns null when there is no such message
   */
  async findOrInsert(ids: DeliveryIds, lane: string): Promise<DeliveryRow | null> {
    const existing = await this.find(ids.deliveryId);
    if (existing !== null) return existing;
    const message = await this.models.messages
      .findOne({ _id: ids.messageId, app: ids.appId }, { body: 0 })
      .lean<MessageRow | null>();
    if (message === null) return null;
    const target = { d: ids.deliveryId, e: ids.endpointId, l: lane };
    const deliverAt = new Date(Date.now() + NEW_ROW_MS);
    const [row] = deliveryRows({ ...message, targets: [target], deliverAt });
    try {
      await this.#rows.insertOne(row as never, { writeConcern: DURABLE });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    return this.find(ids.deliveryId);
  }

  /**
   * Writes changes, each only if its row is as it was read.
   *
   * @param durable waits for the journal; without it a crash may repeat a try
   * @returns the ids of rows that had changed meanwhile and were left alone
   */
  async write(changes: readonly DeliveryChange[], durable: boolean): Promise<Set<string>> {
    const operations = changes.map((change) => ({ updateOne: updateOf(change) }));
    const writeConcern = durable ? DURABLE : { w: 1 as const };
    try {
      const result = await this.#rows.bulkWrite(operations, { ordered: false, writeConcern });
      if (result.matchedCount + result.upsertedCount === changes.length) return new Set();
    } catch (error) {
      // An insert that found the row in another state.
      duplicatePositions(error);
    }
    return this.#refused(changes);
  }

  /** Ends everything that is open for an endpoint or an application. @returns how many */
  async cancelOpen(
    scope: { ep: string } | { app: string },
    reason: string,
    state: 'canceled' | 'exhausted' = 'canceled',
  ): Promise<number> {
    const { modifiedCount } = await this.#rows.updateMany(
      { ...scope, state: { $in: [...OPEN_STATES] } },
      { $set: { state, reason }, $inc: { rev: 1 }, $unset: { q: '' } },
      { writeConcern: DURABLE },
    );
    return modifiedCount;
  }

  /** Names of lanes that hold open rows. One short read a lane, however many rows there are. */
  async lanesInUse(): Promise<string[]> {
    const lanes: string[] = [];
    for (;;) {
      const filter = { 'q.l': { $gt: lanes.at(-1) ?? '' }, 'q.at': { $exists: true } };
      const [row] = await this.#rows
        .find(filter, { projection: { q: 1 } })
        .sort({ 'q.l': 1 })
        .limit(1)
        .toArray();
      if (row === undefined) return lanes;
      lanes.push((row as unknown as DeliveryRow).q!.l);
    }
  }

  // A row that shows this very change was written by an earlier try of the same write.
  async #refused(changes: readonly DeliveryChange[]): Promise<Set<string>> {
    const ids = changes.map((change) => change._id as never);
    const found = await this.#rows
      .find({ _id: { $in: ids } }, { projection: { rev: 1, n: 1, state: 1 } })
      .toArray();
    const rows = new Map(found.map((row) => [String(row._id), row as unknown as DeliveryRow]));
    const written = ({ _id, rev, set }: DeliveryChange) => {
      const row = rows.get(_id);
      if (row?.rev !== rev + 1) return false;
      return (set.n ?? row.n) === row.n && (set.state ?? row.state) === row.state;
    };
    return new Set(changes.filter((change) => !written(change)).map((change) => change._id));
  }

  get #rows() {
    return this.models.deliveries.collection;
  }
}

function updateOf({ _id, rev, set, q, event, orInsert }: DeliveryChange) {
  const changed = { ...set, rev: rev + 1, ...(q === null ? {} : { q }) };
  return {
    filter: { _id: _id as never, rev },
    update: {
      $set: changed,
      ...(q === null ? { $unset: { q: '' as const } } : {}),
      ...(event === undefined ? {} : { $push: { outbox: event as never } }),
      ...(orInsert === undefined ? {} : { $setOnInsert: unchanged(orInsert, changed) }),
    },
    upsert: orInsert !== undefined,
  };
}

function unchanged(row: DeliveryRow, changed: Partial<DeliveryRow>): Partial<DeliveryRow> {
  const fields = Object.entries(row).filter(([name]) => name !== '_id' && name !== 'q' && !(name in changed));
  return Object.fromEntries(fields);
}
