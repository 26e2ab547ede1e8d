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
  private readonly sql;

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
