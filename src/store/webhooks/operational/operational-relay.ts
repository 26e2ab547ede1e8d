import { setTimeout as delay } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import type { Logger } from 'pino';
import { OPERATIONAL_APP } from '../../../contracts/webhooks/operational-event.js';
import { DURABLE } from '../../connection.js';
import type { ApplicationRepository } from '../application.repository.js';
import type { Accepted, MessageAccept } from '../message-accept.js';
import type { MessageDraft } from '../message-draft.js';
import type { WebhookModels } from '../webhook-models.js';
import { makeOperationalApplication } from './operational-application.js';
import { OperationalEventData } from './operational-event-data.js';
import type { OutboxEvent, WithOutbox } from './outbox.js';
import type { OutboxBell } from './outbox-bell.js';

export interface OperationalRelayOptions {
  models: WebhookModels;
  applications: ApplicationRepository;
  /** Checks no schema: these events are ours. */
  accepting: MessageAccept;
  /** Rings when there is something to relay. */
  bell: OutboxBell;
  /** Days the events' payloads are kept. */
  retentionDays: number;
  log: Logger;
}

type Told = WithOutbox & { _id: string };

const ROWS = 100;
/** The first ring is heard at once; while it goes on ringing, events gather so that a write takes many of them. */
const GATHER_MS = 100;
const SINCE_EVER = { 'outbox.at': { $gt: new Date(0) } };

/**
 * Makes messages of the operational events that stand in the outboxes of endpoints, deliveries and tasks, and takes
 * them out when the messages are durable. Any process may do it, several at once too: the event id is made with the
 * event, so a second message is refused.
 */
export class OperationalRelay {
  readonly #data: OperationalEventData;
  #running: Promise<void> | null = null;
  #again = false;

  constructor(private readonly options: OperationalRelayOptions) {
    this.#data = new OperationalEventData(options.models);
    options.bell.onRing(() => this.#wake());
  }

  /** @returns how many events were taken out of their rows */
  async run(alive: () => void = () => undefined): Promise<number> {
    const { endpoints, deliveries, tasks } = this.options.models;
    let relayed = 0;
    for (const { collection } of [endpoints, deliveries, tasks]) {
      for (;;) {
        const rows = await this.#page(collection);
        relayed += await this.#relay(collection, rows);
        alive();
        if (rows.length < ROWS) break;
      }
    }
    return relayed;
  }

  /** Resolves when no run is on its way. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  #wake(): void {
    this.#again = true;
    this.#running ??= this.#runWhileAsked().finally(() => (this.#running = null));
  }

  async #runWhileAsked(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.run();
      } catch (error) {
        this.options.log.warn({ err: error }, 'operational events wait for the sweeper');
      }
      if (this.#again) await delay(GATHER_MS);
    }
  }

  async #page(collection: mongo.Collection): Promise<Told[]> {
    return (await collection.find(SINCE_EVER).limit(ROWS).toArray()) as unknown as Told[];
  }

  async #relay(collection: mongo.Collection, rows: Told[]): Promise<number> {
    if (rows.length === 0) return 0;
    await makeOperationalApplication(this.options.applications);
    const told = await this.#tell(rows);
    if (told.length === 0) throw new Error('no operational event was accepted');
    await collection.updateMany(
      { _id: { $in: rows.map(({ _id }) => _id) as never[] } },
      { $pull: { outbox: { id: { $in: told } } } } as never,
      { writeConcern: DURABLE },
    );
    return told.length;
  }

  async #tell(rows: Told[]): Promise<string[]> {
    const events = rows.flatMap((row) => (row.outbox ?? []).map((event) => ({ row, event })));
    const data = await this.#data.of(events);
    const answers = await this.options.accepting.acceptAll(
      events.map(({ event }, index) => this.#draft(event, data[index]!)),
    );
    return events.flatMap(({ event }, index) => (isAccepted(answers[index]!) ? [event.id] : []));
  }

  #draft({ id, type, at }: OutboxEvent, data: Record<string, unknown>): MessageDraft {
    const payload = { type, timestamp: at.toISOString(), data };
    return {
      ...{ application: OPERATIONAL_APP, type, eventId: id, payload },
      body: Buffer.from(JSON.stringify(payload)),
      ...{ channels: null, tags: null, deliverAt: null, idempotencyKey: null, requestHash: id },
      retentionDays: this.options.retentionDays,
    };
  }
}

/** Also when it was before: then the row only still has to be told so. */
const isAccepted = (answer: Accepted | Error): boolean =>
  !(answer instanceof Error) && ['stored', 'replayed', 'event_id_taken'].includes(answer.kind);
