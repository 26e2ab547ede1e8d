import type { mongo } from 'mongoose';
import type { ApplicationRetention } from '../../../contracts/webhooks/retention.js';
import type { RetentionStage } from '../../../contracts/webhooks/retention-job.js';
import { ksuidFloor } from '../../../domain/ksuid.js';
import { DURABLE } from '../../connection.js';
import { acceptRates } from '../accept-rates.js';
import type { WebhookModels } from '../webhook-models.js';
import { PassedOverRepository } from './passed-over.repository.js';

export interface OwnRetention extends ApplicationRetention {
  id: string;
}

interface Removed {
  removed: number;
  /** Where to go on; null when the scope is done. */
  after: string | null;
}

interface Scope {
  stage: Exclude<RetentionStage, 'payloads'>;
  before: Date;
  after: string;
}

interface CommonScope extends Scope {
  except: readonly string[];
  now: Date;
}

const ROWS = 1_000;
const EVER = new Date(0);
const PREFIX = {
  attempts: 'atmpt',
  deliveries: 'dlv',
  messages: 'msg',
  tasks: 'qtask',
  inbound: 'in',
} as const;

/** Removes old rows a thousand at a time. Ids begin with the time, so the index on them finds the oldest. */
export class RetentionRepository {
  constructor(
    private readonly models: WebhookModels,
    private readonly passedOver = new PassedOverRepository(models),
  ) {}

  /** In order of their ids. */
  async applicationsWithOwnTimes(): Promise<OwnRetention[]> {
    const rows = await this.models.applications.collection
      .find({ 'retention.legalHold': { $exists: true } }, { projection: { retention: 1 } })
      .toArray();
    const own = rows.map((row) => ({
      id: String(row._id),
      ...(row['retention'] as ApplicationRetention),
    }));
    return own.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Removes payloads whose time is over; those of held applications stay as they are. */
  async removePayloads(now: Date, held: readonly string[], after: string): Promise<Removed> {
    const { collection } = this.models.messages;
    const from = after === '' ? await this.passedOver.begin('payloads', held, now) : after;
    const due = { $gte: from === '' ? EVER : new Date(from), $lte: now };
    const rows = await collection
      .find({ expiresAt: due, app: { $nin: [...held] } }, { projection: { expiresAt: 1 } })
      .sort({ expiresAt: 1 })
      .limit(ROWS)
      .toArray();
    await collection.updateMany(
      { _id: { $in: rows.map(({ _id }) => _id) } },
      { $set: { body: null, expiresAt: null } },
      { writeConcern: DURABLE },
    );
    const isLast = rows.length < ROWS;
    const through = isLast ? now : (rows.at(-1)!['expiresAt'] as Date);
    if (held.length > 0) await this.passedOver.passed('payloads', held, through.toISOString());
    return { removed: rows.length, after: isLast ? null : through.toISOString() };
  }

  /** Of every application but some. Rows of those are passed over, once. */
  async removeOfOthers({ stage, before, after, except, now }: CommonScope): Promise<Removed> {
    if (stage === 'configuration') return this.#removeConfiguration(before, { $nin: [...except] });
    const collection = this.#collection(stage);
    const from = after === '' ? await this.passedOver.begin(stage, except, now) : after;
    const oldest = `${PREFIX[stage]}_${ksuidFloor(before.getTime())}`;
    const rows = await collection
      .find({ _id: { $gt: from, $lt: oldest } as never }, { projection: { app: 1 } })
      .sort({ _id: 1 })
      .limit(ROWS)
      .toArray();
    const excepted = new Set(except);
    const ids = rows.filter((row) => !excepted.has(String(row['app']))).map(({ _id }) => _id);
    if (stage === 'tasks') await this.#removeResults(ids);
    const removed = await remove(collection, ids);
    const through = String(rows.at(-1)?._id);
    const kept = new Set(rows.map((row) => String(row['app'])).filter((app) => excepted.has(app)));
    if (kept.size > 0) await this.passedOver.passed(stage, kept, through);
    return { removed, after: rows.length < ROWS ? null : through };
  }

  /** Of one application. */
  async removeOf({ stage, before, after, app }: Scope & { app: string }): Promise<Removed> {
    if (stage === 'configuration') return this.#removeConfiguration(before, { $eq: app });
    if (stage === 'attempts') return this.#removeAttemptsOf(app, before, after);
    const collection = this.#collection(stage);
    const oldest = `${PREFIX[stage]}_${ksuidFloor(before.getTime())}`;
    const rows = await collection
      .find({ app, _id: { $lt: oldest } as never }, { projection: { _id: 1 } })
      .limit(ROWS)
      .toArray();
    const removed = await remove(
      collection,
      rows.map(({ _id }) => _id),
    );
    return { removed, after: rows.length < ROWS ? null : '' };
  }

  /** Attempts are indexed by endpoint, so they are gone through endpoint by endpoint. */
  async #removeAttemptsOf(app: string, before: Date, after: string): Promise<Removed> {
    const [endpoint] = await this.models.endpoints.collection
      .find({ app, _id: { $gt: after } as never }, { projection: { _id: 1 } })
      .sort({ _id: 1 })
      .limit(1)
      .toArray();
    if (endpoint === undefined) return { removed: 0, after: null };
    const ep = String(endpoint._id);
    const { collection } = this.models.attempts;
    const rows = await collection
      .find(
        { ep, _id: { $lt: `atmpt_${ksuidFloor(before.getTime())}` } as never },
        { projection: { _id: 1 } },
      )
      .limit(ROWS)
      .toArray();
    const removed = await remove(
      collection,
      rows.map(({ _id }) => _id),
    );
    return { removed, after: rows.length < ROWS ? ep : after };
  }

  /** Endpoints and applications that were deleted long ago. */
  async #removeConfiguration(before: Date, app: { $eq: string } | { $nin: string[] }): Promise<Removed> {
    const deletedAt = { $gt: EVER, $lt: before };
    const { endpoints, applications } = this.models;
    let removed = 0;
    for (const [collection, filter] of [
      [endpoints.collection, { app, deletedAt }],
      [applications.collection, { _id: app, deletedAt }],
    ] as const) {
      const rows = await collection
        .find(filter as never, { projection: { _id: 1 } })
        .limit(ROWS)
        .toArray();
      const ids = rows.map(({ _id }) => _id);
      if (collection === applications.collection) await this.#removeRates(ids);
      removed += await remove(collection, ids);
    }
    return { removed, after: null };
  }

  /** Before their applications, as results before their tasks. */
  async #removeRates(applications: readonly unknown[]): Promise<void> {
    const filter = { _id: { $in: applications as string[] } };
    await acceptRates(this.models).deleteMany(filter, { writeConcern: DURABLE });
  }

  /** Before their tasks, so that none is left behind that no task names. */
  async #removeResults(tasks: readonly unknown[]): Promise<void> {
    const filter = { task: { $in: tasks as string[] } };
    await this.models.taskResults.collection.deleteMany(filter, { writeConcern: DURABLE });
  }

  #collection(stage: keyof typeof PREFIX): mongo.Collection {
    const { attempts, deliveries, messages, tasks, inbound } = this.models;
    return { attempts, deliveries, messages, tasks, inbound }[stage].collection;
  }
}

async function remove(collection: mongo.Collection, ids: readonly unknown[]): Promise<number> {
  if (ids.length === 0) return 0;
  const filter = { _id: { $in: ids as never[] } };
  return (await collection.deleteMany(filter, { writeConcern: DURABLE })).deletedCount;
}
