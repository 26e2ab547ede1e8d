import { OPERATIONAL_APP } from '../../../contracts/webhooks/operational-event.js';
import type { WebhookModels } from '../webhook-models.js';
import type { WalkTaskRow } from './task.schema.js';

export interface WalkedApplication {
  _id: string;
  uid: string | null;
}

/** The applications that a task looks at next, in order of their ids. */
export async function applicationPage(
  { applications }: WebhookModels,
  { after, asked }: WalkTaskRow,
  limit: number,
): Promise<WalkedApplication[]> {
  // No id sorts before that of the operational application, which no task is about.
  const from = after === '' ? OPERATIONAL_APP : after;
  const wanted = asked.apps === undefined ? {} : { $in: asked.apps };
  const found = applications.collection
    .find({ _id: { $gt: from, ...wanted } as never, deletedAt: null }, { projection: { uid: 1 } })
    .sort({ _id: 1 })
    .limit(limit);
  return (await found.toArray()) as unknown as WalkedApplication[];
}

export const applicationCount = ({ applications }: WebhookModels, { asked }: WalkTaskRow): Promise<number> =>
  asked.apps === undefined
    ? applications.collection.countDocuments({ _id: { $gt: OPERATIONAL_APP } as never, deletedAt: null })
    : Promise.resolve(asked.apps.length);
