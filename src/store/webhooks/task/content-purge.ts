import { DURABLE } from '../../connection.js';
import type { WebhookModels } from '../webhook-models.js';
import type { WalkTaskRow } from './task.schema.js';
import type { TaskWalk, WalkedItems, WalkEnd } from './task-walk.js';
import type { WalkTaskRepository } from './walk-task.repository.js';

const ROWS = 1_000;

/** Removes the payloads of an application's messages; the rows and what became of them stay. */
export class ContentPurge implements TaskWalk {
  constructor(
    private readonly models: WebhookModels,
    private readonly tasks: WalkTaskRepository,
  ) {}

  count({ app, asked }: WalkTaskRow): Promise<number> {
    return this.#messages.countDocuments({ app, _id: { $lt: asked.before! } as never });
  }

  async page(task: WalkTaskRow): Promise<WalkedItems | WalkEnd | null> {
    // Looked at before each page: a hold that comes later stops what is left.
    if (await this.#isHeld(task.app!)) return { failed: 'legal_hold' };
    // How many payloads there were cannot be told any more when they are gone, so it is kept before.
    const planned = task.planned ?? (await this.#look(task));
    if (planned === null) return { seen: 0, counted: 0, next: null, items: [] };
    if (task.planned === null && (await this.tasks.plan(task, planned)) === null) return null;
    await this.#messages.updateMany(
      { ...inPage(task, planned.to), body: { $ne: null } },
      { $set: { body: null, expiresAt: null } },
      { writeConcern: DURABLE },
    );
    return { seen: planned.seen, counted: planned.counted, next: planned.to, items: [] };
  }

  async #look(task: WalkTaskRow): Promise<WalkTaskRow['planned']> {
    const rows = await this.#messages
      .find(inPage(task, null), { projection: { _id: 1 } })
      .sort({ _id: 1 })
      .limit(ROWS)
      .toArray();
    if (rows.length === 0) return null;
    const to = String(rows.at(-1)!._id);
    const counted = await this.#messages.countDocuments({ ...inPage(task, to), body: { $ne: null } });
    return { to, seen: rows.length, counted };
  }

  async #isHeld(app: string): Promise<boolean> {
    const held = { _id: app as never, 'retention.legalHold': true };
    return (await this.models.applications.collection.findOne(held, { projection: { _id: 1 } })) !== null;
  }

  get #messages() {
    return this.models.messages.collection;
  }
}

const inPage = ({ app, after, asked }: WalkTaskRow, to: string | null) => ({
  app,
  _id: { $gt: after, ...(to === null ? { $lt: asked.before! } : { $lte: to }) } as never,
});
