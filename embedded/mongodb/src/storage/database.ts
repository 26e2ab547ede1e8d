import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';

const datasync = promisify(fdatasync);

/** Layout of `data.sqlite`; a higher number in the file means a newer program wrote it. */
export const FORMAT = 1;
/** Page cache of SQLite, in KiB. */
const CACHE_KIB = 49_152;
const WAL_TRUNCATE_BYTES = 512 * 1024 * 1024;
const WAL_CHECKPOINT_PAGES = 4096;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS coll(cid INTEGER PRIMARY KEY, ns TEXT UNIQUE, uuid BLOB, options BLOB, created INTEGER,
  count INTEGER, bytes INTEGER, next_rid INTEGER);
CREATE TABLE IF NOT EXISTS idx(iid INTEGER PRIMARY KEY, cid INTEGER, name TEXT, spec BLOB, state TEXT, multikey TEXT);
CREATE TABLE IF NOT EXISTS oplog(ts INTEGER PRIMARY KEY, op TEXT, ns TEXT, ui BLOB, o BLOB, o2 BLOB, wall INTEGER);
CREATE TABLE IF NOT EXISTS retry(lsid TEXT, stmt INTEGER, count INTEGER, txn INTEGER, reply BLOB, at INTEGER,
  PRIMARY KEY(lsid, stmt)) WITHOUT ROWID;
`;

/** The one SQLite file that holds documents, indexes, oplog and retry records, so that one commit covers all. */
export class Database {
  readonly sqlite: DatabaseSync;
  private readonly log: number;
  private readonly statements = new Map<string, StatementSync>();

  constructor(readonly directory: string) {
    mkdirSync(directory, { recursive: true });
    this.sqlite = new DatabaseSync(join(directory, 'data.sqlite'));
    // EXCLUSIVE: nobody else opens the file, so no statement needs to lock it. NORMAL: a commit leaves its pages to the
    // kernel, `syncLog` brings them to the disk; checkpoints sync by themselves. fullfsync matters on macOS only, where
    // plain fsync does not reach the disk.
    this.sqlite
      .exec(`PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA fullfsync=1;
      PRAGMA cache_size=-${CACHE_KIB}; PRAGMA wal_autocheckpoint=${WAL_CHECKPOINT_PAGES}; PRAGMA temp_store=FILE;
      PRAGMA journal_size_limit=${WAL_TRUNCATE_BYTES};`);
    this.sqlite.exec(SCHEMA);
    this.checkFormat();
    this.log = openSync(join(directory, 'data.sqlite-wal'), 'r');
  }

  /** Resolves when everything committed before the call is on the disk. */
  syncLog(): Promise<void> {
    return datasync(this.log);
  }

  /** Prepares once and keeps the statement; rows come as arrays, which is a quarter faster than objects. */
  statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.sqlite.prepare(sql);
      statement.setReturnArrays(true);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  /** A statement that its owner keeps, for tables that come and go. */
  prepare(sql: string): StatementSync {
    const statement = this.sqlite.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }

  meta(key: string): unknown {
    const row = this.statement('SELECT v FROM meta WHERE k=?').get(key) as unknown as [unknown] | undefined;
    return row?.[0];
  }

  setMeta(key: string, value: string | number): void {
    this.statement('INSERT OR REPLACE INTO meta(k,v) VALUES(?,?)').run(key, value);
  }

  /** Moves the write-ahead log into the main file; readers and writers are in this thread, so nothing blocks it. */
  checkpoint(): void {
    this.sqlite.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.statements.clear();
    closeSync(this.log);
    this.sqlite.close();
  }

  private checkFormat(): void {
    const found = this.meta('format');
    if (found === undefined) this.setMeta('format', FORMAT);
    else if (found !== FORMAT) {
      throw new Error(
        `${this.directory} has storage format ${JSON.stringify(found)}, this program reads ${FORMAT}: use the version of the ` +
          'program that wrote it, or restore a dump into a new directory',
      );
    }
  }
}

/** SQLite hands out blobs as Uint8Array; this is the same memory as a Buffer. */
export function asBuffer(blob: unknown): Buffer {
  const bytes = blob as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
