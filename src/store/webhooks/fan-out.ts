import { DURABLE } from '../connection.js';
import { duplicatePositions } from '../duplicate-key.js';
import { deliveryRows } from './delivery-rows.js';
import type { MessageRow } from './message.schema.js';
import type { WebhookModels } from './webhook-models.js';

const ROWS_PER_INSERT = 1_000;

/**
 * Stores the deliveries that messages stand for. Rows that exist already are left as they are, so accept and sweeper
 * may both do it.
 * @returns how many rows were missing
 */
export async function fanOut(models: WebhookModels, messages: readonly MessageRow[]): Promise<number> {
  const rows = messages.flatMap(deliveryRows);
  let missing = 0;
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    const slice = rows.slice(from, from + ROWS_PER_INSERT);
    missing += slice.length - (await insertNew(models, slice));
  }
  return missing;
}

async function insertNew(models: WebhookModels, rows: unknown[]): Promise<number> {
  try {
    await models.deliveries.collection.insertMany(rows as never, { ordered: false, writeConcern: DURABLE });
    return 0;
  } catch (error) {
    return duplicatePositions(error).length;
  }
}
