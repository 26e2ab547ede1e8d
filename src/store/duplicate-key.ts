const DUPLICATE_KEY = 11_000;

/** Whether a write failed because a unique index already holds the key. */
export const isDuplicateKey = (error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === DUPLICATE_KEY;

/** Positions of the documents that an unordered insert could not store because of a unique index. */
export function duplicatePositions(error: unknown): number[] {
  const writeErrors = (error as { writeErrors?: unknown }).writeErrors;
  const list = (Array.isArray(writeErrors) ? writeErrors : [writeErrors]) as {
    code: number;
    index: number;
  }[];
  if (writeErrors === undefined || list.some((item) => item.code !== DUPLICATE_KEY)) throw error;
  return list.map((item) => item.index);
}
