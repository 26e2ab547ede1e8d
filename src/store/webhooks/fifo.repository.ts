import type { DeliveryRow } from './delivery.schema.js';
import { fanOut } from './fan-out.js';
import type { MessageRow } from './message.schema.js';
import { unpacked } from './packed-targets.js';
import type { WebhookModels } from './webhook-models.js';

const MESSAGES_A_READ = 500;

/** Open deliveries of an endpoint in order, those of some keys left out. */
export interface OpenPage {
  rows: readonly Pick<DeliveryRow, '_id'>[];
  skipKeys: readonly string[];
}

/** What an ordered endpoint has to send, in order of the messages. */
export class FifoRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Open deliveries with an order, in order, those of some keys left out. */
  async open(ep: string, { skipKeys, limit }: { skipKeys: readonly string[]; limit: number }) {
    const keys = skipKeys.length === 0 ? { $exists: true } : { $exists: true, $nin: [...skipKeys] };
    const rows = await this.models.deliveries.collection
      .find({ ep, fk: keys, 'q.at': { $exists: true } } as never)
      .sort({ msg: 1 })
      .limit(limit)
      .batchSize(limit)
      .toArray();
    return rows as unknown as DeliveryRow[];
  }

  /** Due deliveries of a lane that have no order: from before the endpoint was given one. */
  async unordered(lane: string, now: Date, limit: number): Promise<DeliveryRow[]> {
    const rows = await this.models.deliveries.collection
      .find({ 'q.l': lane, 'q.at': { $lte: now }, fk: { $exists: false } } as never)
      .sort({ 'q.at': 1 })
      .limit(limit)
      .toArray();
    return rows as unknown as DeliveryRow[];
  }

  /**
   * Inserts the deliveries to an endpoint that messages lack: accept inserts them after the message, so a later message
   * may have its row first, and after a crash an earlier one may have none yet.
   * @param page open deliveries that were read before, up to the last of these messages
   * @returns whether the page is whole; else a delivery was missing, or somebody else inserted it since the page was read
   */
  async complete(
    endpoint: { _id: string; app: string },
    { after, through }: { after: string; through: string },
    page: OpenPage,
  ): Promise<boolean> {
    let isWhole = true;
    let from = after;
    for (;;) {
      const messages = await this.#messages(endpoint.app, from, through);
      isWhole = (await this.#complete(endpoint._id, messages, page)) && isWhole;
      if (messages.length < MESSAGES_A_READ) return isWhole;
      from = messages.at(-1)!._id;
    }
  }

  async #messages(app: string, after: string, through: string): Promise<MessageRow[]> {
    const rows = await this.models.messages.collection
      .find({ app, _id: { $gt: after, $lte: through } } as never, {
        projection: { body: 0, skipped: 0, 'packed.skipped': 0 },
      })
      .sort({ _id: 1 })
      .limit(MESSAGES_A_READ)
      .toArray();
    return (rows as unknown as MessageRow[]).map(unpacked);
  }

  async #complete(ep: string, messages: readonly MessageRow[], page: OpenPage): Promise<boolean> {
    const targets = messages.flatMap((message) =>
      message.targets.filter(({ e }) => e === ep).map((target) => ({ ...message, targets: [target] })),
    );
    if (targets.length === 0) return true;
    const ids = targets.map(({ targets: [target] }) => target!.d as never);
    const found = (await this.models.deliveries.collection
      .find({ _id: { $in: ids } }, { projection: { _id: 1, fk: 1, 'q.l': 1 } })
      .toArray()) as unknown as Pick<DeliveryRow, '_id' | 'fk' | 'q'>[];
    if (found.length < ids.length) {
      const present = new Set(found.map((row) => row._id));
      await fanOut(
        this.models,
        targets.filter(({ targets: [target] }) => !present.has(target!.d)),
      );
      return false;
    }
    const [shown, skipped] = [new Set(page.rows.map((row) => row._id)), new Set(page.skipKeys)];
    return found.every(
      ({ _id, fk, q }) => q === undefined || fk === undefined || shown.has(_id) || skipped.has(fk),
    );
  }
}
