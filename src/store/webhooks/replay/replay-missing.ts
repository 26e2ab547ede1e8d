import { fifoKey } from '../../../domain/webhooks/fifo-key.js';
import { idWindow } from '../../../domain/webhooks/replay-selection.js';
import { matchTargets } from '../../../domain/webhooks/target-match.js';
import { deliveryId } from '../../../platform/ids.js';
import { DURABLE } from '../../connection.js';
import { duplicatePositions } from '../../duplicate-key.js';
import { targetFilter } from '../cached-application.js';
import { deliveryRows } from '../delivery-rows.js';
import type { EndpointRow } from '../endpoint.schema.js';
import type { MessageRow } from '../message.schema.js';
import type { WebhookModels } from '../webhook-models.js';
import type { DueTimes, ReplayCount, ReplaySource } from './replay-source.js';
import type { ReplayPlan, ReplayTaskRow } from '../task/task.schema.js';

/** Messages looked at in one read. */
const READ_ROWS = 500;
/** A page that finds little ends after this many, so that the cursor moves on. */
const MOST_LOOKED_AT = 10_000;

/** Replay-missing: messages that match the endpoint as it is now and have no delivery to it, e.g. because it is new. */
export class ReplayMissing implements ReplaySource {
  constructor(private readonly models: WebhookModels) {}

  async count(task: ReplayTaskRow, mostMs = Infinity): Promise<ReplayCount> {
    const endpoint = await this.#endpoint(task.ep);
    const until = performance.now() + mostMs;
    let count = 0;
    let after = '';
    for (;;) {
      const { rows, last } = await this.#look(task, endpoint, { after, limit: READ_ROWS });
      count += rows.length;
      if (last === null || performance.now() > until) return { count, complete: last === null };
      after = last;
    }
  }

  async plan(task: ReplayTaskRow, limit: number): Promise<ReplayPlan> {
    const rows: ReplayPlan['rows'] = [];
    const endpoint = await this.#endpoint(task.ep);
    let { after } = task.cursor;
    for (let lookedAt = 0; lookedAt < MOST_LOOKED_AT; lookedAt += READ_ROWS) {
      const page = await this.#look(task, endpoint, {
        ...{ after, limit: Math.min(READ_ROWS, limit - rows.length) },
      });
      rows.push(...page.rows.map((row) => ({ id: row._id, rev: 0, n: 0 })));
      if (page.last === null) return { rows, skipped: 0, next: null };
      after = page.last;
      if (rows.length >= limit) break;
    }
    return { rows, skipped: 0, next: { stream: 0, after } };
  }

  async apply({ _id: task, ep, plan }: ReplayTaskRow, { lane, at }: DueTimes): Promise<number> {
    if (plan!.rows.length === 0) return 0;
    const endpoint = await this.#endpoint(ep);
    const fifo = endpoint?.lane == null ? null : (endpoint.policy?.fifo ?? null);
    const messages = await this.#messages(
      plan!.rows.map(({ id }) => id),
      { targets: 0, skipped: 0, packed: 0, ...(fifo === null ? { body: 0 } : {}) },
    );
    const rows = messages.flatMap((message, n) => {
      const order = fifo === null ? {} : { f: fifoKey(fifo, payloadOf(message)) };
      const targets = [{ d: deliveryId(message._id, ep), e: ep, l: lane, ...order }];
      const due = Math.max(at(n).getTime(), message.deliverAt?.getTime() ?? 0);
      return deliveryRows({ ...message, targets, deliverAt: new Date(due) }).map((row) => ({ ...row, task }));
    });
    try {
      await this.#deliveries.insertMany(rows as never, { ordered: false, writeConcern: DURABLE });
    } catch (error) {
      duplicatePositions(error);
    }
    return this.#deliveries.countDocuments({ _id: { $in: rows.map((row) => row._id as never) }, task });
  }

  /** Looks at the next messages. `last` is where to go on; null when there are no more. */
  async #look(
    task: ReplayTaskRow,
    endpoint: EndpointRow | null,
    { after, limit }: { after: string; limit: number },
  ): Promise<{ rows: MessageRow[]; last: string | null }> {
    if (endpoint === null) return { rows: [], last: null };
    const { from, to } = idWindow('msg', task.filter);
    const id = after > from ? { $gt: after, $lt: to } : { $gte: from, $lt: to };
    const found = this.models.messages.collection
      .find({ app: task.app, _id: id as never, body: { $ne: null } }, { projection: projectionFor(endpoint) })
      .sort({ _id: 1 })
      .limit(limit);
    const messages = (await found.toArray()) as unknown as MessageRow[];
    const last = messages.length < limit ? null : messages.at(-1)!._id;
    return { rows: await this.#lacking(messages, endpoint), last };
  }

  async #lacking(messages: MessageRow[], endpoint: EndpointRow): Promise<MessageRow[]> {
    const target = targetFilter(endpoint);
    const wanted = messages.filter((message) => {
      const payload = target.filter === null ? null : payloadOf(message);
      return matchTargets({ ...message, payload }, [target]).targets.length > 0;
    });
    const ids = wanted.map((message) => deliveryId(message._id, endpoint._id) as never);
    const found = await this.#deliveries.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray();
    const present = new Set(found.map((row) => String(row._id)));
    return wanted.filter((message) => !present.has(deliveryId(message._id, endpoint._id)));
  }

  async #endpoint(id: string): Promise<EndpointRow | null> {
    const found = await this.models.endpoints.collection.findOne({ _id: id as never });
    return found as unknown as EndpointRow | null;
  }

  async #messages(ids: string[], projection: Record<string, 0>): Promise<MessageRow[]> {
    const found = await this.models.messages.collection
      .find({ _id: { $in: ids as never[] } }, { projection })
      .sort({ _id: 1 })
      .toArray();
    return found as unknown as MessageRow[];
  }

  get #deliveries() {
    return this.models.deliveries.collection;
  }
}

/** Payloads are read for content filters only. */
const projectionFor = ({ filter }: EndpointRow) => ({
  ...{ app: 1, type: 1, channels: 1, tags: 1, deliverAt: 1, at: 1 },
  ...(filter == null ? {} : { body: 1 }),
});

const payloadOf = ({ body }: MessageRow): unknown =>
  body === null ? null : JSON.parse(Buffer.from(body.buffer).toString('utf8'));
