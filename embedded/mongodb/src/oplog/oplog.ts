import { Binary } from 'bson';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { toTimestamp } from '../storage/commit-clock.js';
import { asBuffer } from '../storage/database.js';
import type { Database } from '../storage/database.js';

/** Where clients find the log. */
export const OPLOG_NAMESPACE = 'local.oplog.rs';

/** insert, update (full replacement), delete, command, no-op. */
export type OplogOp = 'i' | 'u' | 'd' | 'c' | 'n';

export interface OplogEntry {
  ts: number;
  op: OplogOp;
  ns: string;
  uuid: Buffer | null;
  o: Buffer;
  o2: Buffer | null;
}

/** What an entry takes beside its documents, roughly. */
const ENTRY_OVERHEAD_BYTES = 96;
/** Oldest entries removed by one commit, so that trimming never stalls a writer. */
const TRIM_ROWS = 2_000;

/** The operation log: one row per document write, in the same commit as the write, bounded by size. */
export class Oplog {
  bytes = 0;
  private wall = 0;

  constructor(
    private readonly db: Database,
    private readonly maxBytes: number,
  ) {
    this.bytes = this.savedSize() ?? this.countedSize();
    db.setMeta('oplogBytes', -1);
  }

  append(entry: OplogEntry): void {
    const { ts, op, ns, uuid, o, o2 } = entry;
    this.wall = this.wall || Date.now();
    this.db
      .statement('INSERT INTO oplog(ts,op,ns,ui,o,o2,wall) VALUES(?,?,?,?,?,?,?)')
      .run(ts, op, ns, uuid, o, o2, this.wall);
    this.bytes += o.length + ENTRY_OVERHEAD_BYTES;
  }

  /** Removes the oldest entries when the log is too large; part of the running batch. */
  trim(): void {
    this.wall = 0;
    if (this.bytes <= this.maxBytes) return;
    const rows = this.db.statement('SELECT ts,length(o) FROM oplog ORDER BY ts LIMIT ?').all(TRIM_ROWS);
    let last = 0;
    for (const [ts, length] of rows as unknown as [number, number][]) {
      if (this.bytes <= this.maxBytes) break;
      this.bytes -= length + ENTRY_OVERHEAD_BYTES;
      last = ts;
    }
    this.db.statement('DELETE FROM oplog WHERE ts<=?').run(last);
  }

  /** Newest commit time in the log, 0 if it is empty. */
  newest(): number {
    return this.edge('max');
  }

  oldest(): number {
    return this.edge('min');
  }

  count(): number {
    return (this.db.statement('SELECT count(*) FROM oplog').get() as unknown as [number])[0];
  }

  /** Entries with `from <= ts <= to`, as the documents that `local.oplog.rs` holds. */
  read(from: number, to: number, limit: number, reverse: boolean): { ts: number; document: BDoc }[] {
    const order = reverse ? 'DESC' : 'ASC';
    const rows = this.db
      .statement(
        `SELECT ts,op,ns,ui,o,o2,wall FROM oplog WHERE ts>=? AND ts<=? ORDER BY ts ${order} LIMIT ${limit}`,
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
    this.bytes = this.countedSize();
    this.wall = 0;
  }

  private edge(which: 'min' | 'max'): number {
    const row = this.db.statement(`SELECT ${which}(ts) FROM oplog`).get() as unknown as [number | null];
    return row[0] ?? 0;
  }

  private savedSize(): number | undefined {
    const saved = this.db.meta('oplogBytes');
    return typeof saved === 'number' && saved >= 0 ? saved : undefined;
  }

  private countedSize(): number {
    const sum = this.db.statement('SELECT coalesce(sum(length(o)+?),0) FROM oplog').get(ENTRY_OVERHEAD_BYTES);
    return (sum as unknown as [number])[0];
  }
}

type EntryRow = [number, OplogOp, string, Uint8Array | null, Uint8Array, Uint8Array | null, number];

function entryDocument([ts, op, ns, ui, o, o2, wall]: EntryRow): BDoc {
  const object = BDoc.fromBytes(asBuffer(o));
  const fields: [string, BValue][] = [
    ['op', op],
    ['ns', ns],
  ];
  if (ui) fields.push(['ui', new Binary(asBuffer(ui), Binary.SUBTYPE_UUID)]);
  fields.push(['o', object]);
  const id = o2 ? BDoc.fromBytes(asBuffer(o2)) : op === 'i' || op === 'u' ? idOf(object) : null;
  if (id) fields.push(['o2', id]);
  fields.push(['ts', toTimestamp(ts)], ['t', 1n], ['v', 2n], ['wall', new Date(wall)]);
  return BDoc.of(...fields);
}

function idOf(document: BDoc): BDoc {
  return BDoc.of(['_id', document.get('_id') ?? null]);
}
