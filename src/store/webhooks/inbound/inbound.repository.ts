import { createHash } from 'node:crypto';
import mongoose from 'mongoose';
import type { Page, PageRequest } from '../../../contracts/webhooks/page.js';
import { ksuid } from '../../../domain/ksuid.js';
import { DURABLE } from '../../connection.js';
import { isDuplicateKey } from '../../duplicate-key.js';
import { pageById } from '../../page.js';
import type { WebhookModels } from '../webhook-models.js';
import type { InboundEventRow, InboundSourceRow } from './inbound.schema.js';

type SourceChange = Partial<Pick<InboundSourceRow, 'description' | 'keys' | 'app' | 'eventType'>>;

interface NewEvent {
  source: InboundSourceRow;
  webhookId: string;
  body: Buffer;
}

const MAX_SOURCES = 1_000;

/** Sources of webhooks that are sent to us, and what they sent. */
export class InboundRepository {
  constructor(private readonly models: WebhookModels) {}

  /** @throws a duplicate key error when the name is taken */
  async insertSource(row: InboundSourceRow): Promise<InboundSourceRow> {
    await this.models.inboundSources.collection.insertOne(row as never, { writeConcern: DURABLE });
    return row;
  }

  findSource(name: string): Promise<InboundSourceRow | null> {
    return this.models.inboundSources.findById(name).lean<InboundSourceRow | null>();
  }

  listSources(): Promise<InboundSourceRow[]> {
    return this.models.inboundSources.find().sort({ _id: 1 }).limit(MAX_SOURCES).lean<InboundSourceRow[]>();
  }

  async isFull(): Promise<boolean> {
    return (await this.models.inboundSources.countDocuments()) >= MAX_SOURCES;
  }

  changeSource(name: string, change: SourceChange, now = new Date()): Promise<InboundSourceRow | null> {
    return this.models.inboundSources
      .findOneAndUpdate(
        { _id: name },
        { $set: { ...change, updatedAt: now } },
        { returnDocument: 'after', writeConcern: DURABLE },
      )
      .lean<InboundSourceRow | null>();
  }

  async deleteSource(name: string): Promise<boolean> {
    return (
      (await this.models.inboundSources.deleteOne({ _id: name }, { writeConcern: DURABLE })).deletedCount ===
      1
    );
  }

  async countRefused(name: string, code: string, at = new Date()): Promise<void> {
    await this.models.inboundSources.updateOne(
      { _id: name },
      { $inc: { refused: 1 }, $set: { lastRefusal: { at, code } } },
    );
  }

  /** Stores an event durably, or gives the one that came with its `webhook-id` before. */
  async take(
    { source, webhookId, body }: NewEvent,
    now = new Date(),
  ): Promise<{ row: InboundEventRow; repeated: boolean }> {
    const key = `${source._id}:${webhookId}`;
    const row: InboundEventRow = {
      ...{ _id: eventId(key, now), source: source._id, key, webhookId, app: source.app, msg: null, at: now },
      body: new mongoose.mongo.Binary(body),
    };
    try {
      await this.models.inbound.collection.insertOne(row as never, { writeConcern: DURABLE });
      return { row, repeated: false };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      const earlier = await this.models.inbound.collection.findOne({ key });
      if (earlier === null) throw error;
      return { row: earlier as unknown as InboundEventRow, repeated: true };
    }
  }

  async count(name: string, what: 'accepted' | 'repeated'): Promise<void> {
    await this.models.inboundSources.updateOne({ _id: name }, { $inc: { [what]: 1 } });
  }

  async setMessage(id: string, msg: string): Promise<void> {
    await this.models.inbound.updateOne({ _id: id }, { $set: { msg } }, { writeConcern: DURABLE });
  }

  list(source: string, request: PageRequest): Promise<Page<InboundEventRow>> {
    return pageById(this.models.inbound.collection, { source }, { ...request, order: 'descending' });
  }
}

const eventId = (key: string, at: Date) =>
  `in_${ksuid(at.getTime(), 0, createHash('sha256').update(key).digest())}`;
