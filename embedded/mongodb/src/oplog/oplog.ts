import { Binary, Timestamp } from 'bson';
import { doc } from '../bson/plain.js';
import { BDoc } from '../bson/values.js';
import { Collection, type RidRange } from '../catalog/collection.js';
import { fromTimestamp, toTimestamp } from '../storage/commit-clock.js';
import { asBuffer, type Database } from '../storage/database.js';
import { RecordTable, type Row } from '../storage/tables.js';

/** insert, update (full replacement), delete, command. */
export type OplogOp = 'i' | 'u' | 'd' | 'c';

/** What an entry takes beside its document, roughly. */
const ENTRY_OVERHEAD_BYTES = 96;
/** Oldest entries removed by one commit, so that trimming never stalls a writer. */
const TRIM_ROWS = 2_000;

/**
 * The operation log: one row per document write, in the same commit as the write, bounded by size. It is read as the
 * collection `local.oplog.rs`, whose record ids are the commit times, and written by the server only.
 */
export class Oplog extends Collection {
  /** One wall-clock time for the entries of a batch. */
  private wall = 0;

  constructor(
    private readonly file: Database,
    private readonly maxBytes: number,
  ) {
    super(0, 'local.oplog.rs', Buffer.alloc(16), new EntryTable(file, 0, 'local.oplog.rs'), 0, 0, 1);
    const [count, bytes] = [file.meta('oplogCount'), file.meta('oplogBytes')];
    if (typeof count === 'number' && typeof bytes === 'number' && bytes >= 0)
      Object.assign(this, { count, bytes });
    else this.recount();
    file.setMeta('oplogBytes', -1);
  }

  append(ts: number, op: OplogOp, ns: string, uuid: Buffer | null, o: Buffer): void {
    this.wall ||= Date.now();
    const insert = this.file.statement('INSERT INTO oplog(ts,op,ns,ui,o,wall) VALUES(?,?,?,?,?,?)');
    insert.run(ts, op, ns, uuid, o, this.wall);
    this.count += 1;
    this.bytes += o.length + ENTRY_OVERHEAD_BYTES;
  }

  /** Removes the oldest entries when the log is too large; part of the running batch. */
  trim(): void {
    this.wall = 0;
    if (this.bytes <= this.maxBytes) return;
    // Read one by one: a commit that adds thirty entries must not look at two thousand.
    const oldest = this.file
      .statement('SELECT ts,length(o) FROM oplog ORDER BY ts LIMIT ?')
      .iterate(TRIM_ROWS);
    let last = 0;
    for (const [ts, length] of oldest as unknown as Iterable<[number, number]>) {
      if (this.bytes <= this.maxBytes) break;
      this.count -= 1;
      this.bytes -= length + ENTRY_OVERHEAD_BYTES;
      last = ts;
    }
    this.file.statement('DELETE FROM oplog WHERE ts<=?').run(last);
  }

  /** Newest commit time in the log, 0 if it is empty. */
  newest(): number {
    const row = this.file.statement('SELECT coalesce(max(ts),0) FROM oplog').get();
    return (row as unknown as [number])[0];
  }

  /** Keeps the size for the next start; without it (after a crash) the log is counted. */
  close(): void {
    this.file.setMeta('oplogCount', this.count);
    this.file.setMeta('oplogBytes', this.bytes);
  }

  /** Reads the size again, as after a rollback. */
  recount(): void {
    const row = this.file.statement('SELECT count(*),coalesce(sum(length(o)),0) FROM oplog').get();
    const [count, bytes] = row as unknown as [number, number];
    Object.assign(this, { count, bytes: bytes + count * ENTRY_OVERHEAD_BYTES, wall: 0 });
  }

  override isNaturalOrder(path: string): boolean {
    return path === 'ts' || super.isNaturalOrder(path);
  }

  override ridRange(filter: BDoc): RidRange {
    const condition = filter.get('ts');
    const operators = condition instanceof BDoc ? condition.entries() : [['$eq', condition] as const];
    let [first, last] = super.ridRange(filter);
    for (const [operator, value] of operators) {
      if (!(value instanceof Timestamp)) continue;
      const time = fromTimestamp(value);
      if (['$gt', '$gte', '$eq'].includes(operator)) first = Math.max(first, time);
      if (['$lt', '$lte', '$eq'].includes(operator)) last = Math.min(last, time);
    }
    return [first, last];
  }
}

type EntryRow = [ts: number, op: OplogOp, ns: string, uuid: Uint8Array | null, o: Uint8Array, wall: number];

/** Makes the documents of the log from its rows. */
class EntryTable extends RecordTable {
  override get(rid: number): Buffer | undefined {
    return this.scan(rid - 1, 1).find((row) => row.rid === rid)?.bytes;
  }

  override scan(after = 0, limit: number, reverse = false): Row[] {
    const range = reverse ? 'ts<? ORDER BY ts DESC' : 'ts>? ORDER BY ts';
    const rows = this.sql(`SELECT ts,op,ns,ui,o,wall FROM oplog WHERE ${range} LIMIT ${limit}`).all(after);
    return (rows as unknown as EntryRow[]).map((row) => ({
      rid: row[0],
      bytes: entryDocument(row).toBytes(),
    }));
  }
}

function entryDocument([ts, op, ns, uuid, object, wall]: EntryRow): BDoc {
  const o = BDoc.fromBytes(asBuffer(object));
  const ui = uuid ? new Binary(asBuffer(uuid), Binary.SUBTYPE_UUID) : undefined;
  const o2 = op === 'i' || op === 'u' ? { _id: o.get('_id') ?? null } : undefined;
  return doc({ op, ns, ui, o, o2, ts: toTimestamp(ts), t: 1n, v: 2n, wall: new Date(wall) });
}
