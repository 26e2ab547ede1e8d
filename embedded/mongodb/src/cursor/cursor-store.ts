import { randomBytes } from 'node:crypto';
import { CommandError } from '../errors.js';
import type { Cursor } from './cursor.js';

/** A cursor that nobody asks for this long is closed. */
const IDLE_MS = 10 * 60 * 1000;

/** The open cursors of all clients. */
export class CursorStore {
  private readonly cursors = new Map<bigint, Cursor>();
  timedOut = 0;

  /** Keeps a cursor for later batches and returns its id. */
  keep(cursor: Cursor): bigint {
    if (cursor.id === 0n) cursor.id = this.newId();
    this.cursors.set(cursor.id, cursor);
    return cursor.id;
  }

  /** Error 43 if there is no such cursor, 13 if it belongs to another namespace. */
  get(id: bigint, ns: string): Cursor {
    const cursor = this.cursors.get(id);
    if (!cursor) throw new CommandError('CursorNotFound', `cursor id ${id} not found`);
    if (cursor.ns !== ns) {
      throw new CommandError(
        'Unauthorized',
        `Requested getMore on namespace '${ns}', but cursor belongs to a different namespace ${cursor.ns}`,
      );
    }
    if (cursor.busy) throw new CommandError('CursorInUse', `cursor id ${id} is in use by another operation`);
    return cursor;
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
    for (const [id, cursor] of this.cursors) {
      if (cursor.busy || cursor.owner.noTimeout || now - cursor.lastUsed < IDLE_MS) continue;
      this.cursors.delete(id);
      this.timedOut += 1;
    }
  }

  get size(): number {
    return this.cursors.size;
  }

  /** Positive, so that no driver takes it for the 0 of a finished cursor. */
  private newId(): bigint {
    for (;;) {
      const id = randomBytes(8).readBigUInt64BE() >> 1n;
      if (id !== 0n && !this.cursors.has(id)) return id;
    }
  }
}
