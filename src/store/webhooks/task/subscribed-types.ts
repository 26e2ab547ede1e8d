import type { WebhookModels } from '../webhook-models.js';
import { applicationCount, applicationPage } from './application-page.js';
import type { WalkTaskRow } from './task.schema.js';
import type { TaskWalk, WalkedItems } from './task-walk.js';

export interface SubscriptionItem {
  appId: string;
  explicitlySubscribedEventTypes: string[];
  hasCatchAllEndpoint: boolean;
}

const APPLICATIONS = 100;

/** Which event types the endpoints of each application name. */
export class SubscribedTypes implements TaskWalk {
  constructor(private readonly models: WebhookModels) {}

  count(task: WalkTaskRow): Promise<number> {
    return applicationCount(this.models, task);
  }

  async page(task: WalkTaskRow): Promise<WalkedItems> {
    const page = await applicationPage(this.models, task, APPLICATIONS);
    const types = new Map(page.map(({ _id }) => [_id, new Set<string>()]));
    const catchAll = new Set<string>();
    const endpoints = this.models.endpoints.collection.find(
      { app: { $in: [...types.keys()] }, deletedAt: null },
      { projection: { _id: 0, app: 1, eventTypes: 1 } },
    );
    for await (const endpoint of endpoints) {
      const { app, eventTypes } = endpoint as unknown as { app: string; eventTypes: string[] | null };
      if (eventTypes === null) catchAll.add(app);
      for (const type of eventTypes ?? []) types.get(app)!.add(type);
    }
    const items = page.map(({ _id: appId }): SubscriptionItem => ({
      appId,
      explicitlySubscribedEventTypes: [...types.get(appId)!].sort(),
      hasCatchAllEndpoint: catchAll.has(appId),
    }));
    return { seen: page.length, counted: page.length, next: page.at(-1)?._id ?? null, items };
  }
}
