import { AbstractCursor, ChangeStream } from 'mongodb';
import type { ChangeStreamDocument, Collection, Db, Document, MongoClient } from 'mongodb';
import type { Arguments } from './arguments.js';

type Cursor = AbstractCursor | ChangeStream;

export const cursorOperations: Record<string, (cursor: Cursor) => Promise<unknown>> = {
  iterateUntilDocumentOrError: (cursor) => cursor.next(),
  iterateOnce: (cursor) => cursor.tryNext(),
  close: (cursor) => cursor.close(),
};

/** Sends the command that opens the cursor and leaves the cursor before its first document. */
export async function openCursor<T extends AbstractCursor>(cursor: T): Promise<T> {
  await cursor.hasNext();
  return cursor;
}

/**
 * Opens a change stream on the server without waiting for an event. The driver has no public way: it opens a
 * stream on the first read.
 */
export async function openChangeStream(
  on: Collection | Db | MongoClient,
  args: Arguments,
): Promise<ChangeStream<Document, ChangeStreamDocument>> {
  const stream = on.watch(args.required<Document[]>('pipeline'), args.options());
  const { cursor } = stream as unknown as { cursor: { cursorInit(): Promise<void> } };
  await cursor.cursorInit();
  return stream;
}
