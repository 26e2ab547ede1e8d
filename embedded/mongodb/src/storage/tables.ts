import { crc32 } from 'node:zlib';
import { CommandError } from '../errors.js';
import { log } from '../stats/log.js';
import { asBuffer, type Database } from './database.js';

/** A stored document with its record id. */
export interface Row {
  rid: number;
  bytes: Buffer;
}

/** The table `c_<cid>`: documents by record id, each with its commit version and a CRC-32. */
export class RecordTable {
  protected readonly sql;

  constructor(
    db: Database,
    readonly cid: number,
    private readonly ns: string,
  ) {
    this.sql = db.templates((template) => template.replace('$T', `c_${cid}`));
  }

  create(): void {
    this.sql('CREATE TABLE $T(rid INTEGER PRIMARY KEY, ver INTEGER, crc INTEGER, doc BLOB)').run();
  }

  drop(): void {
    this.sql('DROP TABLE $T').run();
  }

  insert(rid: number, version: number, bytes: Buffer): void {
    this.sql('INSERT INTO $T(rid,ver,crc,doc) VALUES(?,?,?,?)').run(rid, version, crc32(bytes), bytes);
  }

  replace(rid: number, version: number, bytes: Buffer): void {
    this.sql('UPDATE $T SET ver=?,crc=?,doc=? WHERE rid=?').run(version, crc32(bytes), bytes, rid);
  }

  delete(rid: number): void {
    this.sql('DELETE FROM $T WHERE rid=?').run(rid);
  }

  get(rid: number): Buffer | undefined {
    const row = this.sql('SELECT rid,crc,doc FROM $T WHERE rid=?').get(rid);
    return row && this.verified(row).bytes;
  }

  /**
   * The next chunk of documents in record order. The limit is part of the SQL, because SQLite plans anew whenever a
   * bound LIMIT changes: use few different ones.
   */
  scan(after: number | undefined, limit: number, reverse = false): Row[] {
    const range = reverse ? 'rid<? ORDER BY rid DESC' : 'rid>? ORDER BY rid';
    const start = after ?? (reverse ? Number.MAX_SAFE_INTEGER : -1);
    const rows = this.sql(`SELECT rid,crc,doc FROM $T WHERE ${range} LIMIT ${limit}`).all(start);
    return rows.map((row) => this.verified(row));
  }

  /** Like scan, but leaves the check of the CRC to the caller: used to list every damaged document. */
  scanUnverified(after: number, limit: number): (Row & { intact: boolean })[] {
    const rows = this.sql(`SELECT rid,crc,doc FROM $T WHERE rid>? ORDER BY rid LIMIT ${limit}`).all(after);
    return (rows as unknown as StoredRow[]).map(([rid, crc, doc]) => {
      return { rid, bytes: asBuffer(doc), intact: crc32(doc) === crc };
    });
  }

  /** Turns a `(rid, crc, doc)` row into a document, or refuses it: damaged bytes are never served. */
  verified(row: unknown): Row {
    const [rid, crc, doc] = row as StoredRow;
    if (crc32(doc) === crc) return { rid, bytes: asBuffer(doc) };
    log('error', 'document is damaged on disk', { ns: this.ns, rid });
    throw new CommandError('InvalidBSON', `document ${rid} of ${this.ns} is damaged on disk: run validate`);
  }
}

type StoredRow = [rid: number, crc: number, doc: Uint8Array];

/** A half-open range of KeyString bytes; `high` null means to the end of the index. */
export interface KeyRange {
  low: Buffer;
  high: Buffer | null;
}

/** A place in an index. */
export interface Entry {
  key: Buffer;
  rid: number;
}

/** One entry of an index with the document that it points to. */
export interface IndexRow extends Row, Entry {}

/** The table `i_<iid>`: KeyString to record id. In a unique index the key alone is the primary key. */
export class IndexTable {
  /** Set when the index is dropped, so that open cursors notice. */
  dropped = false;
  private readonly sql;

  constructor(
    db: Database,
    readonly iid: number,
    readonly unique: boolean,
    private readonly records: RecordTable,
  ) {
    this.sql = db.templates((template) =>
      template.replace('$I', `i_${iid}`).replace('$C', `c_${records.cid}`),
    );
  }

  create(): void {
    const key = this.unique ? 'k' : 'k,rid';
    this.sql(`CREATE TABLE $I(k BLOB, rid INTEGER, PRIMARY KEY(${key})) WITHOUT ROWID`).run();
  }

  drop(): void {
    this.dropped = true;
    this.sql('DROP TABLE IF EXISTS $I').run();
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

  /** The document under a key of a unique index. */
  document(key: Buffer): Row | undefined {
    const row = this.sql(`SELECT c.rid,c.crc,c.doc FROM ${JOIN} WHERE i.k=?`).get(key);
    return row && this.records.verified(row);
  }

  /** The next entries of a range, behind `after`, with their documents in key order. */
  scan(range: KeyRange, after: Entry | undefined, limit: number, reverse: boolean): IndexRow[] {
    const { where, parameters } = walk(range, after, reverse);
    const rows = this.sql(`SELECT c.rid,c.crc,c.doc,i.k FROM ${JOIN} ${where} LIMIT ${limit}`).all(
      ...parameters,
    );
    return (rows as unknown as [number, number, Uint8Array, Uint8Array][]).map((row) => {
      const { rid, bytes } = this.records.verified(row);
      return { rid, bytes, key: asBuffer(row[3]) };
    });
  }

  /** Goes `steps` entries on in a range, without a look at documents. @returns the last one; undefined at its end */
  skip(range: KeyRange, after: Entry | undefined, steps: number, reverse: boolean): Entry | undefined {
    const { where, parameters } = walk(range, after, reverse);
    const row = this.sql(`SELECT i.k,i.rid FROM $I i ${where} LIMIT 1 OFFSET ?`).get(
      ...parameters,
      steps - 1,
    );
    const [key, rid] = (row ?? []) as unknown as [Uint8Array?, number?];
    return key && { key: asBuffer(key), rid: rid! };
  }

  /** Number of entries in a range behind `after`, or in all of the index, counted up to `limit`. */
  count(range: KeyRange = ALL, limit = Number.MAX_SAFE_INTEGER, after?: Entry, reverse = false): number {
    const { where, parameters } = walk(range, after, reverse);
    // The sum keeps SQLite from planning anew for each limit.
    const select = `SELECT count(*) FROM (SELECT 1 FROM $I i ${where} LIMIT ?+0)`;
    const row = this.sql(select).get(...parameters, limit);
    return (row as unknown as [number])[0];
  }

  /** Bytes of all keys, the size that `collStats` reports. */
  bytes(): number {
    const row = this.sql('SELECT coalesce(sum(length(k)+8),0) FROM $I').get() as unknown as [number];
    return row[0];
  }
}

const ALL: KeyRange = { low: Buffer.alloc(0), high: null };

/** The entries of a range behind a place, in key order. */
function walk({ low, high }: KeyRange, after: Entry | undefined, reverse: boolean) {
  const place = after && [after.key, after.rid];
  const [start, first] = place && !reverse ? ['(i.k,i.rid)>(?,?)', place] : ['i.k>=?', [low]];
  const [end, last] =
    place && reverse ? ['AND (i.k,i.rid)<(?,?)', place] : high ? ['AND i.k<?', [high]] : ['', []];
  const order = reverse ? 'i.k DESC,i.rid DESC' : 'i.k,i.rid';
  return { where: `WHERE ${start} ${end} ORDER BY ${order}`, parameters: [...first, ...last] };
}

// CROSS JOIN keeps SQLite from turning the join around: the index must lead.
const JOIN = '$I i CROSS JOIN $C c ON c.rid=i.rid';
