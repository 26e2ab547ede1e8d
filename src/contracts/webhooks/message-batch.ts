import { z } from 'zod';
import { messageIn, messageOut } from './message.js';

export const MAX_BATCH_ITEMS = 1_000;

/** One message of a batch. */
export const batchItemIn = messageIn.omit({ application: true }).extend({
  /** As the header of a single message: the same key and item again give the first answer. */
  idempotencyKey: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, { error: 'expected 1 to 256 printable ASCII characters' })
    .nullish(),
});
export type BatchItemIn = z.infer<typeof batchItemIn>;

const { $schema: _, ...itemDescription } = z.toJSONSchema(batchItemIn, { io: 'input' });

/** The envelope alone: what is wrong with an item is said in its result, beside the answers of the others. */
export const batchIn = z.object({
  items: z
    .array(z.unknown().meta({ anyOf: [itemDescription, { description: 'anything else gets its problem' }] }))
    .min(1, { error: `expected 1 to ${MAX_BATCH_ITEMS} items, got none` })
    .max(MAX_BATCH_ITEMS, { error: `expected at most ${MAX_BATCH_ITEMS} items` }),
});
export type BatchIn = z.infer<typeof batchIn>;

const problem = z.looseObject({ code: z.string(), status: z.int(), title: z.string(), detail: z.string() });

const batchResult = z.object({
  index: z.int(),
  status: z.int().describe('What a single message would have been answered with'),
  id: messageOut.shape.id.optional(),
  replayed: z.literal(true).optional().describe('Accepted before, by its idempotency key'),
  problem: problem.optional(),
});
export type BatchResult = z.infer<typeof batchResult>;

/** In the order of the items. */
export const batchOut = z.object({ results: z.array(batchResult) });
export type BatchOut = z.infer<typeof batchOut>;
