import type { EventTypeRow } from '../event-type/event-type.schema.js';
import type { WebhookModels } from '../webhook-models.js';
import type { WalkTaskRow } from './task.schema.js';
import type { TaskWalk, WalkedItems } from './task-walk.js';

/** What an OpenAPI document says of an event type. */
export interface ExportedType {
  name: string;
  description: string;
  deprecated: boolean;
  groupName: string | null;
  /** Schemas by version as one JSON text; null when there are none. */
  schemas: string | null;
}

const TYPES = 100;

/** The event types that are in use, with their schemas. */
export class EventTypeExport implements TaskWalk {
  constructor(private readonly models: WebhookModels) {}

  count(): Promise<number> {
    return this.models.eventTypes.collection.countDocuments({ archived: false });
  }

  async page({ after }: WalkTaskRow): Promise<WalkedItems> {
    const found = this.models.eventTypes.collection
      .find({ archived: false, _id: { $gt: after } as never })
      .sort({ _id: 1 })
      .limit(TYPES);
    const page = (await found.toArray()) as unknown as EventTypeRow[];
    const items = page.map(({ _id: name, description, deprecated, groupName, schemas }): ExportedType => ({
      ...{ name, description, deprecated, groupName, schemas },
    }));
    return { seen: page.length, counted: page.length, next: page.at(-1)?._id ?? null, items };
  }
}
