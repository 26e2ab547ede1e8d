import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { BDoc } from '../bson/values.js';
import { badValue, CommandError } from '../errors.js';
import type { Reading } from '../query/find.js';

/** A cursor that nobody asks for this long is closed. */
const IDLE_MS = 10 * 60 * 1000;
/** Documents of a first batch whose size the client left open. */
const FIRST_BATCH = 101;

/** What a command says of its cursor. */
interface CursorOptions {
  batchSize?: number | undefined;
  singleBatch?: boolean | undefined;
  /** It stays open however long nobody asks for it. */
  noCursorTimeout?: boolean | undefined;
}

/** Who opens or reads a cursor, and until when; of an opener the time is set anew for each batch. */
interface Caller {
  lsid: string | null;
  deadline: number;
}

/** The open cursors of all clients. */
export class CursorStore {
  private readonly cursors = new Map<bigint, Cursor>();
  timedOut = 0;

  /** The reply with the first batch of a reading; its cursor stays open if there is more. */
  async open(
    ns: string,
    reading: Iterable<BDoc | undefined>,
    caller: Caller,
    { batchSize = FIRST_BATCH, singleBatch = false, noCursorTimeout = false }: CursorOptions,
  ): Promise<BDoc> {
    const cursor = new Cursor(ns, reading, caller, noCursorTimeout);
    const firstBatch = await cursor.batch(batchSize);
    if (!singleBatch) cursor.peekEnd();
    cursor.timeLeft = caller.deadline - Date.now();
    const id = singleBatch || cursor.exhausted ? 0n : this.newId();
    if (id !== 0n) this.cursors.set(id, cursor);
    return BDoc.of(['cursor', BDoc.of(['firstBatch', firstBatch], ['id', id], ['ns', ns])]);
  }

  /** The reply with a later batch. Error 43 if there is no such cursor, 13 if it belongs to another namespace. */
  async next(id: bigint, ns: string, { lsid, deadline: own }: Caller, batchSize: number): Promise<BDoc> {
    const cursor = this.get(id, ns, lsid);
    if (own !== Infinity) throw badValue('maxTimeMS of a getMore is for cursors that wait for data');
    const { opener } = cursor;
    opener.deadline = Date.now() + cursor.timeLeft;
    cursor.busy = true;
    try {
      const nextBatch = await cursor.batch(batchSize);
      cursor.peekEnd();
      cursor.timeLeft = opener.deadline - Date.now();
      if (cursor.exhausted) this.kill(id);
      const left = cursor.exhausted ? 0n : id;
      return BDoc.of(['cursor', BDoc.of(['nextBatch', nextBatch], ['id', left], ['ns', ns])]);
    } catch (error) {
      this.kill(id);
      throw error;
    } finally {
      cursor.busy = false;
    }
  }

  /** True if the cursor was open. */
  kill(id: bigint): boolean {
    return this.cursors.delete(id);
  }

  killOfSessions(lsids: ReadonlySet<string>): void {
    for (const [id, { opener }] of this.cursors) if (lsids.has(opener.lsid ?? '-')) this.cursors.delete(id);
  }

  killAll(): void {
    this.cursors.clear();
  }

  reap(now: number): void {
    for (const [id, { busy, noTimeout, lastUsed }] of this.cursors) {
      if (busy || noTimeout || now - lastUsed < IDLE_MS) continue;
      this.cursors.delete(id);
      this.timedOut += 1;
    }
  }

  get size(): number {
    return this.cursors.size;
  }

  private get(id: bigint, ns: string, lsid: string | null): Cursor {
    const cursor = this.cursors.get(id);
    if (!cursor) throw new CommandError('CursorNotFound', `cursor id ${id} not found`);
    if (cursor.ns !== ns)
      throw new CommandError('Unauthorized', `getMore on '${ns}', but the cursor belongs to ${cursor.ns}`);
    const owner = cursor.opener.lsid;
    if (owner !== lsid) {
      const code = owner === null ? 50736 : lsid === null ? 50737 : 50738;
      throw new CommandError(code, `the cursor belongs to session ${owner}, not to ${lsid}`);
    }
    if (cursor.busy) throw new CommandError('CursorInUse', `cursor id ${id} is in use by another operation`);
    return cursor;
  }

  /** Positive, so that no driver takes it for the 0 of a finished cursor. */
  private newId(): bigint {
    for (;;) {
      const id = randomBytes(8).readBigUInt64BE() >> 1n;
      if (id !== 0n && !this.cursors.has(id)) return id;
    }
  }
}

/** Bytes of documents in one batch. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** A read that is handed out in batches. Between two of them it holds a position and no database resource. */
class Cursor {
  exhausted = false;
  lastUsed = Date.now();
  busy = false;
  /** What is left of the `maxTimeMS` that it was opened with, in milliseconds: time between two batches is not counted. */
  timeLeft = Infinity;
  private waiting: BDoc | null = null;
  private readonly reading: Iterator<BDoc | undefined>;

  constructor(
    readonly ns: string,
    reading: Iterable<BDoc | undefined>,
    readonly opener: Caller,
    readonly noTimeout: boolean,
  ) {
    this.reading = reading[Symbol.iterator]();
  }

  /** The next documents; fewer than `limit` only at the end or when the batch is full. */
  async batch(limit: number): Promise<BDoc[]> {
    const documents: BDoc[] = [];
    const takeTurns = turnTaking(this.opener.deadline);
    for (let bytes = 0; documents.length < limit;) {
      const next = this.next();
      if (next === null) break;
      if (next === undefined) {
        await takeTurns();
        continue;
      }
      const encoded = next.toBytes();
      bytes += encoded.length;
      if (encoded.length > MAX_BATCH_BYTES + 16 * 1024)
        throw new CommandError('BSONObjectTooLarge', `a result of ${encoded.length} bytes is too large`);
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

/** After so long a read lets others run. */
const TURN_MS = 8;

/**
 * Shares the one thread: asked wherever a read may be interrupted, it now and then waits until others have run. Error 50
 * past the deadline.
 */
function turnTaking(deadline: number): () => Promise<void> {
  let since = performance.now();
  return async () => {
    checkDeadline(deadline);
    if (performance.now() - since < TURN_MS) return;
    await setImmediate();
    since = performance.now();
  };
}

/** Runs a reading to its end. */
export async function readAll<T>(
  reading: Reading<T>,
  deadline: number,
  each: (one: T) => void,
): Promise<void> {
  const takeTurns = turnTaking(deadline);
  for (const one of reading) {
    if (one === undefined) await takeTurns();
    else each(one);
  }
}

/** Error 50 if the time that the client gave is over. */
export function checkDeadline(deadline: number): void {
  if (Date.now() > deadline) throw new CommandError('MaxTimeMSExpired', 'operation exceeded time limit');
}
