import { ksuidFloor } from '../../domain/ksuid.js';
import { DURABLE } from '../connection.js';
import { fanOut } from './fan-out.js';
import type { MessageRow } from './message.schema.js';
import { unpacked } from './packed-targets.js';
import type { WebhookModels } from './webhook-models.js';

const WATERMARK = 'messages';
const MAX_TARGETS = 10_000;
/** What no delivery is made from. */
const UNUSED = {
  ...{ body: 0, bodySha256: 0, skipped: 0, 'packed.skipped': 0 },
  ...{ k: 0, ek: 0, ik: 0, rh: 0, expiresAt: 0 },
} as const;

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

  /** Messages in order of their ids, with what their deliveries are made from. */
  async messages({ after, before, limit }: MessagePageQuery): Promise<MessageRow[]> {
    const rows = await this.models.messages.collection
      .find({ _id: { $gt: after, $lt: messageFloor(before) } as never }, { projection: UNUSED })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray();
    return (rows as unknown as MessageRow[]).map(unpacked);
  }

  /** Inserts the delivery rows that these messages lack. @returns how many */
  async insertMissing(messages: readonly MessageRow[]): Promise<number> {
    let missing = 0;
    for (const group of groups(messages)) missing += await this.#insertMissing(group);
    return missing;
  }

  async #insertMissing(messages: readonly MessageRow[]): Promise<number> {
    const ids = messages.flatMap((message) => message.targets.map((target) => target.d));
    if (ids.length === 0) return 0;
    const { collection } = this.models.deliveries;
    const theirs = { _id: { $in: ids as never[] } };
    // Nearly always nothing lacks, and a number is cheaper to send than ids.
    if ((await collection.countDocuments(theirs)) === ids.length) return 0;
    const found = await collection.find(theirs, { projection: { _id: 1 } }).toArray();
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

/** Messages with so many targets together as one question to the store takes. */
function* groups(messages: readonly MessageRow[]): Generator<MessageRow[]> {
  let group: MessageRow[] = [];
  let targets = 0;
  for (const message of messages) {
    group.push(message);
    targets += message.targets.length;
    if (targets < MAX_TARGETS) continue;
    yield group;
    group = [];
    targets = 0;
  }
  yield group;
}

/** The lowest message id of a time. */
export const messageFloor = (at: Date): string => `msg_${ksuidFloor(at.getTime())}`;
