import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { Reading } from '../query/find.js';

/** Bytes of documents in one batch. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** After so long a read lets others run. */
const TURN_MS = 8;

/** A read that is handed out in batches. Between two of them it holds a position and no database resource. */
export class Cursor {
  /** Given when the cursor outlives its first batch. */
  id = 0n;
  exhausted = false;
  lastUsed = Date.now();
  busy = false;
  private waiting: BDoc | null = null;

  constructor(
    readonly ns: string,
    private readonly reading: Reading<BDoc>,
    readonly owner: { lsid: string | null; noTimeout: boolean },
  ) {}

  /** The next documents; fewer than `limit` only at the end or when the batch is full. */
  async batch(limit: number, deadline: number): Promise<BDoc[]> {
    const documents: BDoc[] = [];
    let bytes = 0;
    let turn = performance.now();
    while (documents.length < limit) {
      const next = this.next();
      if (next === null) {
        this.exhausted = true;
        break;
      }
      if (next === undefined) {
        if (Date.now() > deadline) throw timeExceeded();
        if (performance.now() - turn < TURN_MS) continue;
        await new Promise(setImmediate);
        turn = performance.now();
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
    if (this.exhausted || this.waiting) return;
    const next = this.next();
    if (next === null) this.exhausted = true;
    else if (next) this.waiting = next;
  }

  private next(): BDoc | undefined | null {
    if (this.waiting) {
      const next = this.waiting;
      this.waiting = null;
      return next;
    }
    const result = this.reading.next();
    return result.done ? null : result.value;
  }
}

export function timeExceeded(): CommandError {
  return new CommandError('MaxTimeMSExpired', 'operation exceeded time limit');
}
