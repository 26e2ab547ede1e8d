import type { StatementSync } from 'node:sqlite';
import { asBuffer } from './database.js';
import type { Database } from './database.js';
import type { RecordTable, Row } from './record-table.js';

/** A half-open range of KeyString bytes; `high` null means to the end of the index. */
export interface KeyRange {
  low: Buffer;
  high: Buffer | null;
}

/** One entry of an index with the document that it points to. */
export interface IndexRow extends Row {
  key: Buffer;
}

/** Where an index scan stands: behind this entry of the current range. */
export interface IndexPosition {
  key: Buffer;
  rid: number;
}

/** The table `i_<iid>`: KeyString to record id. In a unique index the key alone is the primary key. */
export class IndexTable {
  /** Set when the index is dropped, so that open cursors notice. */
  dropped = false;
  private readonly statements = new Map<string, StatementSync>();

  constructor(
    private readonly db: Database,
    readonly iid: number,
    readonly unique: boolean,
    private readonly records: RecordTable,
  ) {}

  create(): void {
    const primary = this.unique ? 'k' : 'k,rid';
    this.db.sqlite.exec(
      `CREATE TABLE i_${this.iid}(k BLOB, rid INTEGER, PRIMARY KEY(${primary})) WITHOUT ROWID`,
    );
  }

  drop(): void {
    this.dropped = true;
    this.statements.clear();
    this.db.sqlite.exec(`DROP TABLE IF EXISTS i_${this.iid}`);
  }

  insert(key: Buffer, rid: number): void {
    this.sql('INSERT INTO $I(k,rid) VALUES(?,?)').run(key, rid);
  }

  /** Adds an entry that may be there already, as while an index is being built. */
  insertIfAbsent(key: Buffer, rid: number): void {
    this.sql('INSERT OR IGNORE INTO $I(k,rid) VALUES(?,?)').run(key, rid);
  }

  delete(key: Buffer, rid: number): void {
    this.sql('DELETE FROM $I WHERE k=? AND rid=?').run(key, rid);
  }

  /** The record that holds a key, in a unique index. */
  owner(key: Buffer): number | undefined {
    const row = this.sql('SELECT rid FROM $I WHERE k=?').get(key) as unknown as [number] | undefined;
    return row?.[0];
  }

  has(key: Buffer, rid: number): boolean {
    return this.sql('SELECT 1 FROM $I WHERE k=? AND rid=?').get(key, rid) !== undefined;
  }

  /** The document under a key of a unique index: one lookup, no decode. */
  document(key: Buffer): Row | undefined {
    const row = this.sql('SELECT c.rid,c.crc,c.doc FROM $I i CROSS JOIN $C c ON c.rid=i.rid WHERE i.k=?').get(
      key,
    );
    return row && this.records.verified(row);
  }

  /** The next entries of a range with their documents, in key order. */
  scan(range: KeyRange, after: IndexPosition | null, limit: number, reverse: boolean): IndexRow[] {
    const statement = this.rangeStatement(FETCH, after !== null, range.high !== null, limit, reverse);
    const rows = statement.all(...rangeParameters(range, after, reverse));
    return (rows as unknown as [number, number, Uint8Array, Uint8Array][]).map((row) => ({
      ...this.records.verified(row),
      key: asBuffer(row[3]),
    }));
  }

  /** Entries without their documents, in key order. */
  entries(range: KeyRange, after: IndexPosition | null, limit: number): IndexPosition[] {
    const statement = this.rangeStatement(ENTRY, after !== null, range.high !== null, limit, false);
    const rows = statement.all(...rangeParameters(range, after, false));
    return (rows as unknown as [number, Uint8Array][]).map(([rid, key]) => ({ rid, key: asBuffer(key) }));
  }

  /** Number of entries in a range, counted up to `limit`. */
  count(range: KeyRange, limit: number): number {
    const where = range.high ? 'k>=? AND k<?' : 'k>=?';
    const statement = this.sql(`SELECT count(*) FROM (SELECT 1 FROM $I WHERE ${where} LIMIT ${limit})`);
    const row = statement.get(...rangeParameters(range, null, false));
    return (row as unknown as [number])[0];
  }

  /** Bytes of all keys, the size that `collStats` reports. */
  bytes(): number {
    const row = this.sql('SELECT coalesce(sum(length(k)+8),0) FROM $I').get() as unknown as [number];
    return row[0];
  }

  private rangeStatement(
    columns: string,
    resumed: boolean,
    bounded: boolean,
    limit: number,
    reverse: boolean,
  ): StatementSync {
    const low = resumed && !reverse ? '(i.k,i.rid)>(?,?)' : 'i.k>=?';
    const high = resumed && reverse ? ' AND (i.k,i.rid)<(?,?)' : bounded ? ' AND i.k<?' : '';
    const order = reverse ? 'i.k DESC,i.rid DESC' : 'i.k,i.rid';
    return this.sql(`${columns} WHERE ${low}${high} ORDER BY ${order} LIMIT ${limit}`);
  }

  private sql(template: string): StatementSync {
    let statement = this.statements.get(template);
    if (!statement) {
      statement = this.db.prepare(
        template.replace('$I', `i_${this.iid}`).replace('$C', `c_${this.records.cid}`),
      );
      this.statements.set(template, statement);
    }
    return statement;
  }
}

// CROSS JOIN keeps SQLite from turning the join around: the index must lead.
const FETCH = 'SELECT c.rid,c.crc,c.doc,i.k FROM $I i CROSS JOIN $C c ON c.rid=i.rid';
const ENTRY = 'SELECT i.rid,i.k FROM $I i';

function rangeParameters(
  range: KeyRange,
  after: IndexPosition | null,
  reverse: boolean,
): (Buffer | number)[] {
  const low = after && !reverse ? [after.key, after.rid] : [range.low];
  const high = after && reverse ? [after.key, after.rid] : range.high ? [range.high] : [];
  return [...low, ...high];
}
