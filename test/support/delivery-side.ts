import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mongoose from 'mongoose';
import type { Connection } from 'mongoose';
import { pino } from 'pino';
import { startStack } from '../../embedded/stack/stack.js';
import type { Stack } from '../../embedded/stack/stack.js';
import { ksuid } from '../../src/domain/ksuid.js';
import { facet } from '../../src/domain/webhooks/facets.js';
import { laneOf } from '../../src/domain/webhooks/lane.js';
import { hmacSecret } from '../../src/domain/webhooks/signature.js';
import { deliveryId, newId } from '../../src/platform/ids.js';
import { SecretBox } from '../../src/platform/secret-box.js';
import { TemporalClient } from '../../src/platform/temporal.js';
import { connectMongo } from '../../src/store/connection.js';
import type { AttemptRow } from '../../src/store/webhooks/attempt.schema.js';
import type { DeliveryRow } from '../../src/store/webhooks/delivery.schema.js';
import type { EndpointRow } from '../../src/store/webhooks/endpoint.schema.js';
import { fanOut } from '../../src/store/webhooks/fan-out.js';
import type { MessageRow } from '../../src/store/webhooks/message.schema.js';
import { createWebhookIndexes, webhookModels } from '../../src/store/webhooks/webhook-models.js';
import type { WebhookModels } from '../../src/store/webhooks/webhook-models.js';
import { webhookServices } from '../../src/workers/webhook-services.js';
import type { WebhookServices, WebhookServicesOptions } from '../../src/workers/webhook-services.js';
import { until } from './until.js';

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');
export const LANES = 2;
const DAY_MS = 86_400_000;

/** MongoDB and Temporal for one test file; each `deliverySide` has a database of its own on them. */
export async function servers(): Promise<{ stack: Stack; end: () => Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  const stack = await startStack({ dataDir, ports: 'free', services: 'servers' });
  const end = async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { stack, end };
}

/** The delivery side in this process, and what accept would have done before it. */
export class DeliverySide {
  readonly #box = new SecretBox(MASTER_KEY);
  readonly giveUp = new AbortController();
  readonly log = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
  readonly temporal: TemporalClient;
  readonly app = newId('app');

  private constructor(
    private readonly connection: Connection,
    readonly models: WebhookModels,
    temporalAddress: string,
  ) {
    this.temporal = new TemporalClient({ TEMPORAL_ADDRESS: temporalAddress, TEMPORAL_NAMESPACE: 'default' });
  }

  static async open(stack: Pick<Stack, 'mongodbUrl' | 'temporalAddress'>): Promise<DeliverySide> {
    const connection = await connectMongo(stack.mongodbUrl, `t_${randomBytes(6).toString('hex')}`);
    const models = webhookModels(connection);
    await createWebhookIndexes(models);
    const side = new DeliverySide(connection, models, stack.temporalAddress);
    await models.applications.create({
      ...{ _id: side.app, uk: side.app, name: 'test', rev: 1, createdAt: new Date(), updatedAt: new Date() },
    });
    return side;
  }

  /** One worker's services; several stand for several workers. */
  services(
    scheduleSec: readonly number[] = [0.05, 0.05],
    settings: Partial<WebhookServicesOptions['config']> = {},
    times: Pick<WebhookServicesOptions, 'taskCallMs'> = {},
  ): WebhookServices {
    return webhookServices({
      config: {
        HOLDFAST_MASTER_KEY: MASTER_KEY,
        WEBHOOK_ALLOW_CIDRS: ['127.0.0.1/32'],
        WEBHOOK_ALLOW_PORTS: [],
        WEBHOOK_PROXY_URL: undefined,
        WEBHOOK_LANES: LANES,
        WEBHOOK_PAYLOAD_RETENTION_DAYS: 90,
        WEBHOOK_MAX_PAYLOAD_BYTES: 262_144,
        WEBHOOK_ATTEMPT_RETENTION_DAYS: 30,
        WEBHOOK_ROW_RETENTION_DAYS: 180,
        WEBHOOK_SVIX_HEADERS: true,
        WEBHOOK_DISABLE_AFTER_DAYS: 5,
        WEBHOOK_LEASE_CHECK: 'on',
        WEBHOOK_PROBE_SECONDS: 5,
        WEBHOOK_PROBE_MAX_SECONDS: 300,
        ...settings,
      },
      models: this.models,
      temporal: this.temporal,
      log: this.log,
      hintUrl: () => null,
      giveUp: this.giveUp.signal,
      scheduleSec,
      ...times,
    });
  }

  async endpoint(url: string, more: Partial<EndpointRow> = {}): Promise<EndpointRow & { secret: string }> {
    const id = newId('ep');
    const secret = hmacSecret(randomBytes(24));
    const now = new Date();
    const row: EndpointRow = {
      ...{ _id: id, app: this.app, uk: `${this.app}:${id}`, uid: null, url, description: '' },
      ...{
        eventTypes: null,
        channels: null,
        filter: null,
        disabled: false,
        disabledReason: null,
        throttleRate: null,
      },
      ...{ metadata: {}, headersEnc: null, failingSince: null, rev: 1, deletedAt: null },
      keys: [{ enc: this.#box.seal(secret), type: 'hmac', from: now, until: null }],
      createdAt: now,
      updatedAt: now,
      ...more,
    };
    await this.models.endpoints.collection.insertOne(row as never);
    return { ...row, secret };
  }

  seal(text: string): string {
    return this.#box.seal(text);
  }

  /** Stores messages to endpoints as accept does. @param rows false leaves the delivery rows out, as a crash would */
  async accept(
    endpoints: EndpointRow[],
    count = 1,
    rows = true,
    body = '{"n":1.50}',
    at = new Date(),
  ): Promise<MessageRow[]> {
    const messages = Array.from({ length: count }, () => this.#message(endpoints, body, at));
    await this.models.messages.collection.insertMany(messages as never);
    if (rows) await fanOut(this.models, messages);
    return messages;
  }

  async delivery(message: MessageRow, endpoint: EndpointRow): Promise<DeliveryRow> {
    const id = deliveryId(message._id, endpoint._id);
    return (await this.models.deliveries.collection.findOne({ _id: id as never })) as unknown as DeliveryRow;
  }

  async attempts(message: MessageRow): Promise<AttemptRow[]> {
    const found = this.models.attempts.collection.find({ msg: message._id }).sort({ dlv: 1, n: 1 });
    return (await found.toArray()) as unknown as AttemptRow[];
  }

  storedEndpoint(id: string): Promise<EndpointRow | null> {
    return this.models.endpoints.findById(id).lean<EndpointRow | null>();
  }

  /** Waits until something holds in the store. */
  until<T>(read: () => Promise<T>, holds: (value: T) => boolean, timeoutMs = 45_000): Promise<T> {
    return until(read, holds, timeoutMs, 10);
  }

  untilState(message: MessageRow, endpoint: EndpointRow, state: DeliveryRow['state']): Promise<DeliveryRow> {
    return this.until(
      () => this.delivery(message, endpoint),
      (row) => row?.state === state,
    );
  }

  async close(): Promise<void> {
    this.giveUp.abort();
    await this.temporal.close();
    await this.connection.close();
  }

  #message(endpoints: EndpointRow[], body: string, at: Date): MessageRow {
    // Ids of one process never go back in time, so an older message gets its id by hand.
    const id = `msg_${ksuid(at.getTime(), 0, randomBytes(12))}`;
    return {
      ...{ _id: id, app: this.app, type: 'work_order.created', eventId: null, bodySha256: '', rh: '' },
      body: new mongoose.mongo.Binary(Buffer.from(body)),
      ...{
        channels: null,
        tags: null,
        k: [facet.type('work_order.created')],
        ek: `${this.app}:${id}`,
        ik: `${this.app}:${id}`,
        skipped: [],
      },
      targets: endpoints.map(({ _id }) => ({ d: deliveryId(id, _id), e: _id, l: laneOf(_id, LANES) })),
      ...{ deliverAt: null, at, expiresAt: new Date(at.getTime() + DAY_MS) },
    };
  }
}

/** Lane loops running in this process until they are stopped. */
export class RunningLanes {
  readonly #stop = new AbortController();
  readonly #runs: Promise<unknown>[];

  constructor(
    private readonly services: WebhookServices,
    lanes: string[] = Array.from({ length: LANES }, (_, n) => `p${n}`),
  ) {
    this.#runs = lanes.map((lane) => services.lanes.run(lane, this.#stop.signal, 600_000));
  }

  /** Leaves the lanes; tries that last longer go on. */
  async leave(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs);
  }

  async end(): Promise<void> {
    await this.leave();
    await this.services.lanes.settled();
    await this.services.statistics.close();
    await this.services.sandbox.close();
    await this.services.sender.close();
  }
}
