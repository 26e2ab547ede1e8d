import { randomBytes } from 'node:crypto';
import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { Cursor } from './cursor.js';

/** A cursor that nobody asks for this long is closed. */
const IDLE_MS = 10 * 60 * 1000;
/** Documents of a first batch whose size the client left open. */
const FIRST_BATCH = 101;

/** The open cursors of all clients. */
export class CursorStore {
  private readonly cursors = new Map<bigint, Cursor>();
  timedOut = 0;

  /** The reply with the first batch; the cursor stays open if there is more. */
  async first(
    cursor: Cursor,
    deadline: number,
    {
      batchSize = FIRST_BATCH,
      single = false,
    }: { batchSize?: number | undefined; single?: boolean | undefined },
  ): Promise<BDoc> {
    const firstBatch = await cursor.batch(batchSize, deadline);
    if (!single) cursor.peekEnd();
    const id = single || cursor.exhausted ? 0n : this.newId();
    if (id !== 0n) this.cursors.set(id, cursor);
    return BDoc.of(['cursor', BDoc.of(['firstBatch', firstBatch], ['id', id], ['ns', cursor.ns])]);
  }

  /** The reply with a later batch. Error 43 if there is no such cursor, 13 if it belongs to another namespace. */
  async next(id: bigint, ns: string, deadline: number, batchSize: number): Promise<BDoc> {
    const cursor = this.get(id, ns);
    cursor.busy = true;
    try {
      const nextBatch = await cursor.batch(batchSize, deadline);
      cursor.peekEnd();
      if (cursor.exhausted) this.kill(id);
      return BDoc.of([
        'cursor',
        BDoc.of(['nextBatch', nextBatch], ['id', cursor.exhausted ? 0n : id], ['ns', ns]),
      ]);
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
    for (const [id, { owner }] of this.cursors)
      if (owner.lsid && lsids.has(owner.lsid)) this.cursors.delete(id);
  }

  killAll(): void {
    this.cursors.clear();
  }

  reap(now: number): void {
    for (const [id, { busy, owner, lastUsed }] of this.cursors) {
      if (busy || owner.noTimeout || now - lastUsed < IDLE_MS) continue;
      this.cursors.delete(id);
      this.timedOut += 1;
    }
  }

  get size(): number {
    return this.cursors.size;
  }

  private get(id: bigint, ns: string): Cursor {
    const cursor = this.cursors.get(id);
    if (!cursor) throw new CommandError('CursorNotFound', `cursor id ${id} not found`);
    if (cursor.ns !== ns)
      throw new CommandError('Unauthorized', `getMore on '${ns}', but the cursor belongs to ${cursor.ns}`);
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
