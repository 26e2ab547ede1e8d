import type { mongo } from 'mongoose';

const DUPLICATE_KEY = 11_000;

/** Whether a write failed because a unique index already holds the key. */
export const isDuplicateKey = (error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === DUPLICATE_KEY;

/**
 * Positions of the documents that an unordered insert could not store because of a unique index, where nothing else
 * went wrong.
 *
 * @throws the error itself otherwise: then it is not known what was stored
 */
export function duplicatePositions(error: unknown): number[] {
  const { writeErrors, result } = error as Partial<mongo.MongoBulkWriteError>;
  // The driver gives its own faults, such as a lost connection, the same class, with no write error in it.
  const list = [writeErrors ?? []].flat();
  const onlyDuplicates = list.length > 0 && list.every(({ code }) => code === DUPLICATE_KEY);
  if (!onlyDuplicates || result?.getWriteConcernError() !== undefined) throw error;
  return list.map(({ index }) => index);
}
