import { ksuidFloor } from '../../../domain/ksuid.js';
import { facet } from '../../../domain/webhooks/facets.js';
import { matchTargets } from '../../../domain/webhooks/target-match.js';
import { targetFilter } from '../cached-application.js';
import type { MessageRow } from '../message.schema.js';
import type { WebhookModels } from '../webhook-models.js';
import type { PollerRow } from './poller.schema.js';

const READ_ROWS = 500;
/** Looked at for one answer; with fewer matches than wanted by then the answer is short and not `done`. */
const MOST_LOOKED_AT = 2_000;

/** Whose messages are read, and which of them: a polling endpoint, or a question like one. */
export type PolledBy = Pick<
  PollerRow,
  '_id' | 'app' | 'eventTypes' | 'channels' | 'filter' | 'disabled' | 'rev'
>;

export interface Polling {
  /** Id of a message, or a time as one: what comes after it is read. */
  after: string;
  /** Messages accepted since are not given yet. */
  before: Date;
  limit: number;
  eventType?: string | undefined;
  channel?: string | undefined;
}

/** Messages of an application that a polling endpoint wants, in the order of their accept. */
export class PolledMessages {
  constructor(private readonly models: WebhookModels) {}

  /** `last` is where the next call goes on. */
  async read(
    poller: PolledBy,
    polling: Polling,
  ): Promise<{ rows: MessageRow[]; last: string; done: boolean }> {
    const wants = wantedBy(poller, polling);
    const ids: string[] = [];
    let last = polling.after;
    for (let lookedAt = 0; lookedAt < MOST_LOOKED_AT; lookedAt += READ_ROWS) {
      const page = await this.#look(poller, polling, last);
      for (const message of page) {
        if (ids.length === polling.limit) return { rows: await this.#withContent(ids), last, done: false };
        last = message._id;
        if (wants(message)) ids.push(message._id);
      }
      if (page.length < READ_ROWS) return { rows: await this.#withContent(ids), last, done: true };
    }
    return { rows: await this.#withContent(ids), last, done: false };
  }

  async #look(
    poller: PolledBy,
    { before, eventType, channel }: Polling,
    after: string,
  ): Promise<MessageRow[]> {
    const to = `msg_${ksuidFloor(before.getTime())}`;
    const labels = eventType === undefined ? channel && facet.channel(channel) : facet.type(eventType);
    const found = this.models.messages.collection
      .find({ app: poller.app, ...(labels ? { k: labels } : {}), _id: { $gt: after, $lt: to } as never })
      .project({ type: 1, channels: 1, ...(poller.filter === null ? {} : { body: 1 }) })
      .sort({ _id: 1 })
      .limit(READ_ROWS);
    return (await found.toArray()) as unknown as MessageRow[];
  }

  #withContent(ids: readonly string[]): Promise<MessageRow[]> {
    return this.models.messages
      .find({ _id: { $in: ids } }, { targets: 0, skipped: 0, packed: 0 })
      .sort({ _id: 1 })
      .lean<MessageRow[]>();
  }
}

function wantedBy(poller: PolledBy, { eventType, channel }: Polling) {
  const target = targetFilter({ ...poller, lane: null, policy: null });
  return (message: MessageRow): boolean =>
    (eventType === undefined || message.type === eventType) &&
    (channel === undefined || message.channels?.includes(channel) === true) &&
    matchTargets({ ...message, payload: target.filter === null ? null : payloadOf(message) }, [target])
      .targets.length > 0;
}

const payloadOf = ({ body }: MessageRow): unknown =>
  body === null ? null : JSON.parse(Buffer.from(body.buffer).toString('utf8'));
