import { Binary } from 'bson';
import { BDoc, type BValue } from '../bson/values.js';
import { toTimestamp } from '../storage/commit-clock.js';
import { asBuffer, type Database } from '../storage/database.js';

/** Where clients find the log. */
export const OPLOG_NAMESPACE = 'local.oplog.rs';

/** insert, update (full replacement), delete, command. */
export type OplogOp = 'i' | 'u' | 'd' | 'c';

export interface OplogEntry {
  ts: number;
  op: OplogOp;
  ns: string;
  uuid: Buffer | null;
  o: Buffer;
}

/** What an entry takes beside its document, roughly. */
const ENTRY_OVERHEAD_BYTES = 96;
/** Oldest entries removed by one commit, so that trimming never stalls a writer. */
const TRIM_ROWS = 2_000;

/** The operation log: one row per document write, in the same commit as the write, bounded by size. */
export class Oplog {
  bytes: number;
  /** One wall-clock time for the entries of a batch. */
  private wall = 0;

  constructor(
    private readonly db: Database,
    private readonly maxBytes: number,
  ) {
    const saved = db.meta('oplogBytes');
    this.bytes = typeof saved === 'number' && saved >= 0 ? saved : this.countedBytes();
    db.setMeta('oplogBytes', -1);
  }

  append({ ts, op, ns, uuid, o }: OplogEntry): void {
    this.wall ||= Date.now();
    const insert = this.db.statement('INSERT INTO oplog(ts,op,ns,ui,o,wall) VALUES(?,?,?,?,?,?)');
    insert.run(ts, op, ns, uuid, o, this.wall);
    this.bytes += o.length + ENTRY_OVERHEAD_BYTES;
  }

  /** Removes the oldest entries when the log is too large; part of the running batch. */
  trim(): void {
    this.wall = 0;
    if (this.bytes <= this.maxBytes) return;
    // Read one by one: a commit that adds thirty entries must not look at two thousand.
    const oldest = this.db.statement('SELECT ts,length(o) FROM oplog ORDER BY ts LIMIT ?').iterate(TRIM_ROWS);
    let last = 0;
    for (const [ts, length] of oldest as unknown as Iterable<[number, number]>) {
      if (this.bytes <= this.maxBytes) break;
      this.bytes -= length + ENTRY_OVERHEAD_BYTES;
      last = ts;
    }
    this.db.statement('DELETE FROM oplog WHERE ts<=?').run(last);
  }

  /** Newest commit time in the log, 0 if it is empty. */
  newest(): number {
    const row = this.db.statement('SELECT coalesce(max(ts),0) FROM oplog').get();
    return (row as unknown as [number])[0];
  }

  /** Entries with `from <= ts <= to`, as the documents that `local.oplog.rs` holds. */
  read(from: number, to: number, limit: number, reverse: boolean): { ts: number; document: BDoc }[] {
    const order = reverse ? 'ts DESC' : 'ts';
    const rows = this.db
      .statement(
        `SELECT ts,op,ns,ui,o,wall FROM oplog WHERE ts>=? AND ts<=? ORDER BY ${order} LIMIT ${limit}`,
      )
      .all(from, to);
    return (rows as unknown as EntryRow[]).map((row) => ({ ts: row[0], document: entryDocument(row) }));
  }

  /** Keeps the size for the next start; without it (after a crash) the log is counted. */
  close(): void {
    this.db.setMeta('oplogBytes', this.bytes);
  }

  /** Reads the size again after a rollback. */
  recount(): void {
    this.bytes = this.countedBytes();
    this.wall = 0;
  }

  private countedBytes(): number {
    const sum = this.db.statement('SELECT coalesce(sum(length(o)+?),0) FROM oplog').get(ENTRY_OVERHEAD_BYTES);
    return (sum as unknown as [number])[0];
  }
}

type EntryRow = [number, OplogOp, string, Uint8Array | null, Uint8Array, number];

function entryDocument([ts, op, ns, ui, o, wall]: EntryRow): BDoc {
  const object = BDoc.fromBytes(asBuffer(o));
  const uuid: [string, BValue][] = ui ? [['ui', new Binary(asBuffer(ui), Binary.SUBTYPE_UUID)]] : [];
  const id: [string, BValue][] =
    op === 'i' || op === 'u' ? [['o2', BDoc.of(['_id', object.get('_id') ?? null])]] : [];
  return BDoc.of(
    ['op', op],
    ['ns', ns],
    ...uuid,
    ['o', object],
    ...id,
    ['ts', toTimestamp(ts)],
    ['t', 1n],
    ['v', 2n],
    ['wall', new Date(wall)],
  );
}
