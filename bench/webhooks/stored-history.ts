import mongoose from 'mongoose';
import { ksuid } from '../../src/domain/ksuid.js';
import { attemptFacets, messageFacets } from '../../src/domain/webhooks/facets.js';
import {
  countForApplication,
  countForEndpoint,
} from '../../src/domain/webhooks/statistics/attempt-counts.js';
import type { Counts } from '../../src/domain/webhooks/statistics/attempt-counts.js';
import { bucketId } from '../../src/domain/webhooks/statistics/bucket.js';
import type { Level } from '../../src/domain/webhooks/statistics/bucket.js';
import { deliveryId } from '../../src/platform/ids.js';
import type { AttemptRow } from '../../src/store/webhooks/attempt.schema.js';
import type { DeliveryRow } from '../../src/store/webhooks/delivery.schema.js';
import type { MessageRow } from '../../src/store/webhooks/message.schema.js';
import { StatisticsRepository } from '../../src/store/webhooks/statistics/statistics.repository.js';
import type { WebhookModels } from '../../src/store/webhooks/webhook-models.js';

export const DAY_MS = 86_400_000;
const SPAN_MS = 28 * DAY_MS;
const BATCH = 2_000;
const TYPES = 14;

/** Names that the filters of the benchmark ask for. */
export const NAMES = {
  app: `app_${'A'.repeat(27)}`,
  ep: `ep_${'A'.repeat(27)}`,
  type: 'bench.type_3',
  rareType: 'bench.rare',
  channel: 'plant-7',
  rareChannel: 'plant-rare',
  tag: 'order',
  rareTag: 'order-rare',
};

/** A history of 28 days: one application, two endpoints (9 in 10 messages to the first), one try a delivery. */
export class StoredHistory {
  readonly #nowMs = Date.now();
  readonly #counts = new Map<string, Counts>();
  readonly #body = new mongoose.mongo.Binary(Buffer.from(JSON.stringify({ text: 'x'.repeat(500) })));

  constructor(
    private readonly models: WebhookModels,
    readonly count: number,
  ) {}

  timeMs(index: number): number {
    return this.#nowMs - SPAN_MS + Math.floor((SPAN_MS * index) / this.count);
  }

  id(prefix: 'msg' | 'atmpt', index: number): string {
    const tail = Buffer.alloc(12);
    tail.writeUInt32BE(index);
    return `${prefix}_${ksuid(this.timeMs(index), index & 0xffff, tail)}`;
  }

  async store(say: (text: string) => void): Promise<void> {
    const write = { ordered: false, writeConcern: { w: 1 as const } };
    for (let from = 0; from < this.count; from += BATCH) {
      const rows = Array.from({ length: Math.min(BATCH, this.count - from) }, (_, i) => this.#rows(from + i));
      await Promise.all([
        this.models.messages.collection.insertMany(rows.map(({ message }) => message) as never, write),
        this.models.deliveries.collection.insertMany(rows.map(({ delivery }) => delivery) as never, write),
        this.models.attempts.collection.insertMany(rows.map(({ attempt }) => attempt) as never, write),
      ]);
      if (from % 100_000 === 0) say(`${from} messages stored`);
    }
    const statistics = new StatisticsRepository(this.models);
    const buckets = [...this.#counts];
    for (let from = 0; from < buckets.length; from += BATCH) {
      await statistics.add(new Map(buckets.slice(from, from + BATCH)));
    }
  }

  #rows(index: number): { message: MessageRow; delivery: DeliveryRow; attempt: AttemptRow } {
    const at = new Date(this.timeMs(index));
    const _id = this.id('msg', index);
    const ep = index % 10 === 9 ? `ep_${'B'.repeat(27)}` : NAMES.ep;
    const type = index % 20_011 === 0 ? NAMES.rareType : `bench.type_${index % TYPES}`;
    const channels =
      index % 30_011 === 0 ? [NAMES.rareChannel] : index % 101 === 0 ? [NAMES.channel, 'all'] : null;
    const tags = index % 40_009 === 0 ? [NAMES.rareTag] : index % 103 === 0 ? [NAMES.tag] : null;
    const label = { type, channels, tags };
    const failed = index % 61 === 0;
    const code = failed ? (index % 3 === 0 ? 404 : index % 3 === 1 ? 503 : 0) : 200;
    const reason = failed ? (code === 0 ? 'timeout' : `http_${code}`) : null;
    const state = failed ? (index % 2 === 0 ? 'retrying' : 'exhausted') : 'delivered';
    const common = { app: NAMES.app, type, at };
    const d = deliveryId(_id, ep);
    const message: MessageRow = {
      ...{
        ...common,
        _id,
        channels,
        tags,
        eventId: null,
        body: this.#body,
        bodySha256: '',
        k: messageFacets(label),
      },
      ...{ ek: `${NAMES.app}:${_id}`, ik: `${NAMES.app}:${_id}`, rh: '', skipped: [], deliverAt: null },
      targets: [{ d, e: ep, l: 'p0' }],
      expiresAt: new Date(at.getTime() + 90 * DAY_MS),
    };
    const delivery: DeliveryRow = {
      ...{ ...common, _id: d, msg: _id, ep, channels, tags, k: message.k, state, reason, n: 1, rev: 1 },
      ...{ firstAt: at, lastAt: at, lastCode: code },
      ...(state === 'retrying' ? { q: { l: 'retry', at: new Date(this.#nowMs + DAY_MS) } } : {}),
    };
    const attempt: AttemptRow = {
      ...{ ...common, _id: this.id('atmpt', index), dlv: d, n: 1, msg: _id, ep, url: 'http://127.0.0.1:9/' },
      ...{
        k: attemptFacets(label, code),
        ok: !failed,
        code,
        errorCode: code === 0 ? 'timeout' : null,
        error: null,
      },
      ...{ durationMs: 1 + (index % 97), sinceAcceptMs: 3 + (index % 211), bytes: 500, ip: '127.0.0.1' },
      ...{ response: 'ok', sig: 'v1,x', by: '0', trigger: 'scheduled', outcome: state, why: reason },
      ...{ nextAt: null, worker: 'bench' },
    };
    this.#count(attempt);
    return { message, delivery, attempt };
  }

  #count(attempt: AttemptRow): void {
    const at = attempt.at.getTime();
    const recent = this.#nowMs - at < 2 * DAY_MS;
    for (const level of (recent ? ['m', 'h', 'd'] : ['h', 'd']) as Level[]) {
      countForEndpoint(this.#of(bucketId(attempt.ep, level, at)), attempt);
      countForApplication(this.#of(bucketId(attempt.app, level, at)), attempt);
    }
  }

  #of(id: string): Counts {
    const counts = this.#counts.get(id) ?? new Map<string, number>();
    this.#counts.set(id, counts);
    return counts;
  }
}
