import { DURABLE } from '../../connection.js';
import type { WebhookModels } from '../webhook-models.js';

/**
 * The row that holds the revision of the event types. It stands among the applications, so that the one read of a
 * flush that proves their revisions proves this one too. No id or uid has a slash, and it counts as deleted: no list
 * and no look-up finds it.
 */
export const CATALOGUE_ID = '/event-types';

/** Announces a change of event types: once before the write and once after, as for endpoints. */
export async function bumpCatalogue(
  models: WebhookModels,
  members: Record<string, unknown> = {},
): Promise<void> {
  await models.applications.collection.updateOne(
    { _id: CATALOGUE_ID as never },
    {
      $inc: { rev: 1 },
      $setOnInsert: { uk: CATALOGUE_ID, name: 'event types', deletedAt: new Date(0) },
      ...(Object.keys(members).length === 0 ? {} : { $set: members }),
    },
    { upsert: true, writeConcern: DURABLE },
  );
}

/** The version of the catalogue that was registered; 0 before the first start. */
export async function registeredCatalogue(models: WebhookModels): Promise<number> {
  const row = await models.applications.collection.findOne({ _id: CATALOGUE_ID as never });
  return (row?.['catalogue'] as number | undefined) ?? 0;
}
