import { bucketRanges } from '../../../domain/webhooks/statistics/bucket.js';
import { BucketSum } from '../../../domain/webhooks/statistics/bucket-sum.js';
import type { StatisticsRepository } from '../statistics/statistics.repository.js';
import type { WebhookModels } from '../webhook-models.js';
import { applicationCount, applicationPage } from './application-page.js';
import type { WalkTaskRow } from './task.schema.js';
import type { TaskWalk, WalkedItems } from './task-walk.js';

export interface UsageItem {
  appId: string;
  appUid: string | null;
  messageDestinations: number;
}

const APPLICATIONS = 50;

/** Tries of each application in a window, from the buckets that every try is counted in. */
export class ApplicationUsage implements TaskWalk {
  constructor(
    private readonly models: WebhookModels,
    private readonly statistics: StatisticsRepository,
  ) {}

  count(task: WalkTaskRow): Promise<number> {
    return applicationCount(this.models, task);
  }

  async page(task: WalkTaskRow): Promise<WalkedItems> {
    const page = await applicationPage(this.models, task, APPLICATIONS);
    const { since, until } = task.asked;
    const ranges = bucketRanges(since!.getTime(), until!.getTime(), Date.now());
    const items = await Promise.all(
      page.map(async ({ _id: appId, uid: appUid }): Promise<UsageItem> => {
        const { attempts } = BucketSum.of(await this.statistics.read(appId, ranges, ['n'])).total;
        return { appId, appUid: appUid ?? null, messageDestinations: attempts };
      }),
    );
    return { seen: page.length, counted: page.length, next: page.at(-1)?._id ?? null, items };
  }
}
