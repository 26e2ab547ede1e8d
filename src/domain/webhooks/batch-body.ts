/** The longest body of a batch that has more than one item. */
export const MAX_BATCH_BYTES = 1024 * 1024;
/** What stands around the payload of an item is not longer than this, but for its event type. */
export const ITEM_FRAME_BYTES = 128;

/** One message in the body of a batch. */
export interface BatchItem {
  /** Message id, equal in every request that brings the message: receivers notice repeats by it. */
  id: string;
  type: string;
  /** When the message was accepted. */
  at: Date;
}

/** The text of one item: the payload stands in it byte for byte. */
export function batchItem({ id, at, type }: BatchItem, payload: Uint8Array): Buffer {
  const head = `{"id":"${id}","timestamp":"${at.toISOString()}","type":${JSON.stringify(type)},"payload":`;
  return Buffer.concat([Buffer.from(head), payload, CLOSE]);
}

/** The body of a batch: a JSON array of its items. */
export function batchBody(items: readonly Uint8Array[]): Buffer {
  const parts = items.flatMap((item, n) => (n === 0 ? [item] : [COMMA, item]));
  return Buffer.concat([ARRAY, ...parts, ARRAY_END]);
}

const CLOSE = Buffer.from('}');
const COMMA = Buffer.from(',');
const ARRAY = Buffer.from('[');
const ARRAY_END = Buffer.from(']');
