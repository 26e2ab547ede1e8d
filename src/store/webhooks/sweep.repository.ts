import { ksuidFloor } from '../../domain/ksuid.js';
import { DURABLE } from '../connection.js';
import { fanOut } from './fan-out.js';
import type { MessageRow } from './message.schema.js';
import type { WebhookModels } from './webhook-models.js';

const WATERMARK = 'messages';

interface WatermarkRow {
  _id: string;
  /** Every message made before has all its delivery rows. */
  through: Date;
}

/** Where a page of messages starts: an id, or a time for the first page. */
export interface MessagePageQuery {
  after: string;
  before: Date;
  limit: number;
}

/** What the sweeper reads and mends. */
export class SweepRepository {
  constructor(private readonly models: WebhookModels) {}

  async watermark(): Promise<Date | null> {
    return (await this.#watermarks.findOne({ _id: WATERMARK }))?.through ?? null;
  }

  /** Only ever moves on, whatever order sweeps end in. */
  async advance(through: Date): Promise<void> {
    await this.#watermarks.updateOne(
      { _id: WATERMARK },
      { $max: { through } },
      { upsert: true, writeConcern: DURABLE },
    );
  }

  /** Messages in order of their ids, without payloads. */
  async messages({ after, before, limit }: MessagePageQuery): Promise<MessageRow[]> {
    const rows = await this.models.messages.collection
      .find(
        { _id: { $gt: after, $lt: messageFloor(before) } as never },
        { projection: { body: 0, skipped: 0 } },
      )
      .sort({ _id: 1 })
      .limit(limit)
      .toArray();
    return rows as unknown as MessageRow[];
  }

  /** Inserts the delivery rows that these messages lack. @returns how many */
  async insertMissing(messages: readonly MessageRow[]): Promise<number> {
    const ids = messages.flatMap((message) => message.targets.map((target) => target.d));
    if (ids.length === 0) return 0;
    const found = await this.models.deliveries.collection
      .find({ _id: { $in: ids as never[] } }, { projection: { _id: 1 } })
      .toArray();
    if (found.length === ids.length) return 0;
    const present = new Set(found.map((row) => String(row._id)));
    const lacking = messages.map((message) => ({
      ...message,
      targets: message.targets.filter((target) => !present.has(target.d)),
    }));
    return fanOut(this.models, lacking);
  }

  get #watermarks() {
    return this.models.messages.db.collection<WatermarkRow>('wh_watermarks');
  }
}

/** The lowest message id of a time. */
export const messageFloor = (at: Date): string => `msg_${ksuidFloor(at.getTime())}`;
