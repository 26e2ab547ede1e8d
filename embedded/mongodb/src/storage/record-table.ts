import { crc32 } from 'node:zlib';
import type { StatementSync } from 'node:sqlite';
import { CommandError } from '../errors.js';
import { log } from '../stats/log.js';
import { asBuffer } from './database.js';
import type { Database } from './database.js';

/** A stored document with its record id. */
export interface Row {
  rid: number;
  bytes: Buffer;
}

/** Where a scan stands; the next chunk starts behind it. */
export interface ScanStep {
  after: number | null;
  /** Part of the SQL, because SQLite plans anew whenever a bound LIMIT changes: use few different ones. */
  limit: number;
  reverse: boolean;
}

/** The table `c_<cid>`: documents by record id, each with its commit version and a CRC-32. */
export class RecordTable {
  private readonly statements = new Map<string, StatementSync>();

  constructor(
    private readonly db: Database,
    readonly cid: number,
    private readonly describe: () => string,
  ) {}

  create(): void {
    this.db.sqlite.exec(
      `CREATE TABLE c_${this.cid}(rid INTEGER PRIMARY KEY, ver INTEGER, crc INTEGER, doc BLOB)`,
    );
  }

  drop(): void {
    this.statements.clear();
    this.db.sqlite.exec(`DROP TABLE c_${this.cid}`);
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

  /** The next chunk of documents in record order. */
  scan(step: ScanStep): Row[] {
    const { after, limit, reverse } = step;
    const statement = reverse
      ? this.sql(`SELECT rid,crc,doc FROM $T WHERE rid<? ORDER BY rid DESC LIMIT ${limit}`)
      : this.sql(`SELECT rid,crc,doc FROM $T WHERE rid>? ORDER BY rid LIMIT ${limit}`);
    const rows = statement.all(after ?? (reverse ? LAST_RID : -1));
    return (rows as unknown[]).map((row) => this.verified(row));
  }

  /** Like scan, but leaves the check of the CRC to the caller: used to list every damaged document. */
  scanUnverified(after: number, limit: number): (Row & { intact: boolean })[] {
    const rows = this.sql(`SELECT rid,crc,doc FROM $T WHERE rid>? ORDER BY rid LIMIT ${limit}`).all(after);
    return (rows as unknown as [number, number, Uint8Array][]).map(([rid, crc, blob]) => ({
      rid,
      bytes: asBuffer(blob),
      intact: crc32(blob) === crc,
    }));
  }

  /** Turns a `(rid, crc, doc)` row into a document, or refuses it: damaged bytes are never served. */
  verified(row: unknown): Row {
    const [rid, crc, blob] = row as [number, number, Uint8Array];
    if (crc32(blob) !== crc) {
      log('error', 'document is damaged on disk', { ns: this.describe(), rid });
      throw new CommandError(
        'InvalidBSON',
        `document ${rid} of ${this.describe()} is damaged on disk: run validate`,
      );
    }
    return { rid, bytes: asBuffer(blob) };
  }

  private sql(template: string): StatementSync {
    let statement = this.statements.get(template);
    if (!statement) {
      statement = this.db.prepare(template.replace('$T', `c_${this.cid}`));
      this.statements.set(template, statement);
    }
    return statement;
  }
}

const LAST_RID = Number.MAX_SAFE_INTEGER;
