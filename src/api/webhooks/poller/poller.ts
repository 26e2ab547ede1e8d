import { Inject, Injectable } from '@nestjs/common';
import type {
  ConsumerPollQuery,
  ConsumerSeekIn,
  ConsumerSeekOut,
  PollOut,
  PollQuery,
} from '../../../contracts/webhooks/poller.js';
import { ksuidFloor } from '../../../domain/ksuid.js';
import type { Principal } from '../../../platform/auth/scopes.js';
import type { Config } from '../../../platform/config.js';
import { ProblemError } from '../../../platform/errors.js';
import { CONFIG } from '../../../platform/platform.module.js';
import { PolledMessages } from '../../../store/webhooks/poller/polled-messages.repository.js';
import type { PolledBy, Polling } from '../../../store/webhooks/poller/polled-messages.repository.js';
import { PollerConsumerRepository } from '../../../store/webhooks/poller/poller-consumer.repository.js';
import type { PollerRow } from '../../../store/webhooks/poller/poller.schema.js';
import { messageView } from '../message.view.js';
import { PollingEndpoints } from './polling-endpoints.js';

/** Of so many calls at once for one consumer, one at least gets its turn each time. */
const MOST_TURNS = 10;

/** Reads the messages of polling endpoints. */
@Injectable()
export class Poller {
  constructor(
    private readonly endpoints: PollingEndpoints,
    private readonly messages: PolledMessages,
    private readonly consumers: PollerConsumerRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The caller keeps the position. */
  async poll(caller: Principal, app: string, reference: string, query: PollQuery): Promise<PollOut> {
    const poller = await this.enabled(caller, app, reference);
    const { limit, iterator, after, event_type: eventType, channel } = query;
    const from = after === undefined ? startOf(poller) : idAfter(after);
    return this.read(poller, { after: later(iterator, from), limit, eventType, channel });
  }

  /** We keep the position: an answer moves it. Whoever may have lost one passes the iterator he got last. */
  async consume(
    caller: Principal,
    app: string,
    reference: string,
    consumer: string,
    { limit, iterator }: ConsumerPollQuery,
  ): Promise<PollOut> {
    const poller = await this.enabled(caller, app, reference);
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      const position = await this.consumers.find(poller._id, consumer);
      const answer = await this.read(poller, {
        after: iterator ?? position?.after ?? startOf(poller),
        limit,
      });
      if (answer.iterator === position?.after) return answer;
      if (await this.consumers.move(poller._id, consumer, position, answer.iterator)) return answer;
    }
    throw new ProblemError('conflict', `Too many calls for the consumer "${consumer}" at once. Try again.`);
  }

  async seek(
    caller: Principal,
    app: string,
    reference: string,
    consumer: string,
    body: ConsumerSeekIn,
  ): Promise<ConsumerSeekOut> {
    const poller = await this.enabled(caller, app, reference);
    const iterator = idAfter(new Date(body.after));
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      const position = await this.consumers.find(poller._id, consumer);
      if (await this.consumers.move(poller._id, consumer, position, iterator)) return { iterator };
    }
    throw new ProblemError('conflict', `Too many calls for the consumer "${consumer}" at once. Try again.`);
  }

  /** The messages after a position, and where the next call goes on. */
  async read(poller: PolledBy, polling: Omit<Polling, 'before'>): Promise<PollOut> {
    // A message that is younger may become durable after one with a later id, and would then be passed over.
    const before = new Date(Date.now() - this.config.WEBHOOK_POLL_DELAY_MS);
    const { rows, last, done } = await this.messages.read(poller, { ...polling, before });
    return { data: rows.map((row) => messageView(row, true)), iterator: last, done };
  }

  /** @throws ProblemError when it is disabled */
  async enabled(caller: Principal, app: string, reference: string): Promise<PollerRow> {
    const poller = await this.endpoints.find(caller, app, reference);
    if (!poller.disabled) return poller;
    throw new ProblemError('endpoint_disabled', 'The polling endpoint is disabled; enable it, then poll.');
  }
}

/** Times as ids of messages: everything accepted later sorts behind. */
export const idAfter = (time: Date) => `msg_${ksuidFloor(time.getTime() + 1)}`;
export const startOf = ({ createdAt }: PollerRow) => `msg_${ksuidFloor(createdAt.getTime())}`;
export const later = (iterator: string | undefined, from: string) =>
  iterator === undefined || iterator < from ? from : iterator;
