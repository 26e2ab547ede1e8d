import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';

const datasync = promisify(fdatasync);

/** Layout of `data.sqlite`; a higher number in the file means a newer program wrote it. */
const FORMAT = 1;

// locking_mode EXCLUSIVE: the first statement locks the file for the life of the process, so a second server is refused,
// no statement needs a lock of its own, and the operating system frees it after whatever end. synchronous NORMAL: a commit
// leaves its pages to the kernel, `syncLog` brings them to the disk; checkpoints sync by themselves. fullfsync matters on
// macOS only, where plain fsync does not reach the disk. The cache is in KiB, the log is truncated to 512 MiB.
const PRAGMAS = `
PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
PRAGMA fullfsync=1; PRAGMA cache_size=-49152; PRAGMA wal_autocheckpoint=4096; PRAGMA temp_store=FILE;
PRAGMA journal_size_limit=536870912;
`;

const SQLITE_BUSY = 5;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS coll(cid INTEGER PRIMARY KEY, ns TEXT UNIQUE, uuid BLOB, created INTEGER,
  count INTEGER, bytes INTEGER, next_rid INTEGER);
CREATE TABLE IF NOT EXISTS idx(iid INTEGER PRIMARY KEY, cid INTEGER, name TEXT, spec BLOB, state TEXT, multikey TEXT);
CREATE TABLE IF NOT EXISTS oplog(ts INTEGER PRIMARY KEY, op TEXT, ns TEXT, ui BLOB, o BLOB, wall INTEGER);
CREATE TABLE IF NOT EXISTS retry(lsid TEXT, stmt INTEGER, count INTEGER, txn INTEGER, reply BLOB, at INTEGER,
  PRIMARY KEY(lsid, stmt)) WITHOUT ROWID;
`;

/** The one SQLite file that holds documents, indexes, oplog and retry records, so that one commit covers all. */
export class Database {
  readonly sqlite: DatabaseSync;
  /** The statement of an SQL text, prepared once. */
  readonly statement = this.templates((sql) => sql);
  private readonly log: number;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.sqlite = new DatabaseSync(join(directory, 'data.sqlite'), { timeout: 0 });
    try {
      this.sqlite.exec(PRAGMAS);
      this.sqlite.exec(SCHEMA);
    } catch (cause) {
      const message = `${directory} is in use by another server: stop that server or choose another --dir`;
      throw ((cause as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY
        ? new Error(message, { cause })
        : cause;
    }
    const found = this.meta('format');
    if (found === undefined) this.setMeta('format', FORMAT);
    else if (found !== FORMAT)
      throw new Error(
        `${directory} has storage format ${JSON.stringify(found)}, this program reads ${FORMAT}: use the version of ` +
          'the program that wrote it, or restore a dump into a new directory',
      );
    this.log = openSync(join(directory, 'data.sqlite-wal'), 'r');
  }

  /** Resolves when everything committed before the call is on the disk. */
  syncLog(): Promise<void> {
    return datasync(this.log);
  }

  /** Statements on a table that may go: whoever uses the table keeps them. `resolve` puts in its name. */
  templates(resolve: (template: string) => string): (template: string) => StatementSync {
    const prepared = new Map<string, StatementSync>();
    return (template) => {
      let statement = prepared.get(template);
      if (statement) return statement;
      statement = this.sqlite.prepare(resolve(template));
      // Rows as arrays are a quarter faster than as objects.
      statement.setReturnArrays(true);
      prepared.set(template, statement);
      return statement;
    };
  }

  meta(key: string): unknown {
    const row = this.statement('SELECT v FROM meta WHERE k=?').get(key) as unknown as [unknown] | undefined;
    return row?.[0];
  }

  setMeta(key: string, value: string | number): void {
    this.statement('INSERT OR REPLACE INTO meta(k,v) VALUES(?,?)').run(key, value);
  }

  /** Moves the write-ahead log into the main file; readers and writers are in this thread, so nothing blocks it. */
  close(): void {
    this.sqlite.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    closeSync(this.log);
    this.sqlite.close();
  }
}

/** SQLite hands out blobs as Uint8Array; this is the same memory as a Buffer. */
export function asBuffer(blob: unknown): Buffer {
  const bytes = blob as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
