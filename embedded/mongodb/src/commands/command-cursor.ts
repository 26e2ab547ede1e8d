import { BDoc } from '../bson/values.js';
import { Cursor } from '../cursor/cursor.js';
import type { Reading } from '../query/find.js';
import type { CommandContext } from './context.js';

/** Documents of a first batch whose size the client left open. */
export const FIRST_BATCH = 101;

export interface CursorOptions {
  batchSize?: number | undefined;
  singleBatch?: boolean;
  noTimeout?: boolean;
}

/** Opens a cursor, fills its first batch and keeps it if there is more. */
export async function firstBatch(
  context: CommandContext,
  ns: string,
  reading: Reading<BDoc>,
  options: CursorOptions = {},
): Promise<BDoc> {
  const owner = { lsid: context.lsid, noTimeout: options.noTimeout ?? false };
  const cursor = new Cursor(ns, reading, owner);
  const documents = await cursor.batch(options.batchSize ?? FIRST_BATCH, context.deadline);
  const id = settle(context, cursor, options.singleBatch ?? false);
  return BDoc.of(['cursor', BDoc.of(['firstBatch', documents], ['id', id], ['ns', ns])]);
}

/** The cursor's id if it stays open, else 0. */
export function settle(context: CommandContext, cursor: Cursor, single: boolean): bigint {
  if (!single) cursor.peekEnd();
  if (single || cursor.exhausted) {
    context.cursors.kill(cursor.id);
    return 0n;
  }
  return context.cursors.keep(cursor);
}

/** A finished list as a reading, for the commands that answer with a cursor over something small. */
export function* listed(documents: Iterable<BDoc>): Reading<BDoc> {
  yield* documents;
}
