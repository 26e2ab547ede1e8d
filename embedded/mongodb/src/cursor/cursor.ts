import { BDoc } from '../bson/values.js';
import { Turns } from './turns.js';

/** Bytes of documents in one batch. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** Whose cursor it is, and whether it stays open however long nobody asks for it. */
export interface CursorOwner {
  lsid: string | null;
  noTimeout?: boolean | undefined;
}

/** A read that is handed out in batches. Between two of them it holds a position and no database resource. */
export class Cursor {
  exhausted = false;
  lastUsed = Date.now();
  busy = false;
  private waiting: BDoc | null = null;
  private readonly reading: Iterator<BDoc | undefined>;

  constructor(
    readonly ns: string,
    reading: Iterable<BDoc | undefined>,
    readonly owner: CursorOwner,
  ) {
    this.reading = reading[Symbol.iterator]();
  }

  /** The next documents; fewer than `limit` only at the end or when the batch is full. */
  async batch(limit: number, deadline: number): Promise<BDoc[]> {
    const documents: BDoc[] = [];
    const turns = new Turns(deadline);
    for (let bytes = 0; documents.length < limit;) {
      const next = this.next();
      if (next === null) break;
      if (next === undefined) {
        await turns.next();
        continue;
      }
      const encoded = next.toBytes();
      bytes += encoded.length;
      if (bytes > MAX_BATCH_BYTES && documents.length > 0) {
        this.waiting = next;
        break;
      }
      documents.push(BDoc.fromBytes(encoded));
    }
    this.lastUsed = Date.now();
    return documents;
  }

  /** Looks whether anything follows, so that a read that ends on a batch needs no empty last one. */
  peekEnd(): void {
    if (!this.exhausted) this.waiting = this.next() ?? null;
  }

  private next(): BDoc | undefined | null {
    const { waiting } = this;
    this.waiting = null;
    if (waiting || this.exhausted) return waiting;
    const result = this.reading.next();
    if (!result.done) return result.value;
    this.exhausted = true;
    return null;
  }
}
