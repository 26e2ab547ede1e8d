import type { mongo } from 'mongoose';
import type { RetentionStage } from '../../../contracts/webhooks/retention-job.js';
import type { WebhookModels } from '../webhook-models.js';

/** What the common scan of a stage need not look at again. */
interface PassedOverRow {
  _id: RetentionStage;
  /** Below this place only rows of `apps` are left. */
  through: string;
  /** Applications whose rows were passed over. */
  apps: string[];
  /** When a scan last began with the very first row. */
  wholeAt: Date;
}

/** Rows that come late, as from a backup, are found by a scan of everything once a week. */
const WHOLE_EVERY_MS = 7 * 86_400_000;

/**
 * How far a stage is through with what it keeps for other applications, so that kept rows are read once and not in
 * every run. When one of those applications is no longer excepted, the next scan begins with the first row again.
 */
export class PassedOverRepository {
  constructor(private readonly models: WebhookModels) {}

  /** Where a scan of a stage begins; '' = with the first row. */
  async begin(stage: RetentionStage, except: readonly string[], now: Date): Promise<string> {
    const row = await this.#rows.findOne({ _id: stage });
    const isRecent = row !== null && now.getTime() - row.wholeAt.getTime() < WHOLE_EVERY_MS;
    const excepted = new Set(except);
    if (isRecent && row.apps.every((app) => excepted.has(app))) return row.through;
    const fresh = { through: '', apps: [], wholeAt: now };
    await this.#rows.replaceOne({ _id: stage }, fresh, { upsert: true });
    return '';
  }

  /** Notes that up to a place all is removed but the rows of these applications. */
  async passed(stage: RetentionStage, apps: Iterable<string>, through: string): Promise<void> {
    await this.#rows.updateOne(
      { _id: stage },
      { $addToSet: { apps: { $each: [...apps] } }, $max: { through } },
    );
  }

  get #rows(): mongo.Collection<PassedOverRow> {
    return this.models.messages.db.collection<PassedOverRow>('wh_retention');
  }
}
