import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { asBuffer } from '../storage/database.js';
import type { Database } from '../storage/database.js';

/** A write that its client may send again under the same number. */
export interface RetryableWrite {
  lsid: string;
  txnNumber: number;
}

/** Records older than the session timeout are of no use to any driver. */
export const RETRY_KEPT_MS = 30 * 60 * 1000;
const MAX_CACHED_SESSIONS = 20_000;

interface SessionRecord {
  txnNumber: number;
  /** Outcome per statement; null stands for the plain `{n: 1}` of an insert. */
  statements: Map<number, BDoc | null>;
  /** Rows of this session in the table, so that a new number knows whether there is something to delete. */
  rows: number;
}

interface Pending extends RetryableWrite {
  stmtId: number;
  count: number;
  outcome: BDoc | null;
}

/**
 * What each session's newest retryable write has done, statement by statement. Records are written by the commit that
 * holds the write itself, so a repeated number is answered instead of applied twice, also after a restart.
 */
export class RetryRecords {
  private readonly sessions = new Map<string, SessionRecord>();
  private pending: Pending[] = [];

  constructor(private readonly db: Database) {}

  /** Outcomes known for this number. Must be asked inside a write batch. Throws 225 for a number in the past. */
  outcomes(write: RetryableWrite): ReadonlyMap<number, BDoc | null> {
    const record = this.session(write.lsid);
    if (write.txnNumber < record.txnNumber) {
      throw new CommandError(
        'TransactionTooOld',
        `Retryable write with txnNumber ${write.txnNumber} is prohibited on session ${write.lsid} because a newer ` +
          `retryable write with txnNumber ${record.txnNumber} has already started on this session.`,
      );
    }
    return write.txnNumber === record.txnNumber ? record.statements : new Map();
  }

  /** Notes the outcome of a statement; it is stored by the running batch. */
  add(write: RetryableWrite, stmtId: number, outcome: BDoc | null): void {
    const record = this.session(write.lsid);
    if (record.txnNumber !== write.txnNumber) {
      record.txnNumber = write.txnNumber;
      record.statements = new Map();
    }
    record.statements.set(stmtId, outcome);
    const last = this.pending.at(-1);
    const extendsLast =
      last?.lsid === write.lsid && !outcome && !last.outcome && last.stmtId + last.count === stmtId;
    if (extendsLast) last.count += 1;
    else this.pending.push({ ...write, stmtId, count: 1, outcome });
  }

  /** Writes the noted outcomes; runs just before COMMIT. */
  save(): void {
    if (this.pending.length === 0) return;
    const now = Date.now();
    const insert = this.db.statement(
      'INSERT OR REPLACE INTO retry(lsid,stmt,count,txn,reply,at) VALUES(?,?,?,?,?,?)',
    );
    const first = new Set<string>();
    for (const { lsid, txnNumber, stmtId, count, outcome } of this.pending) {
      const record = this.session(lsid);
      if (!first.has(lsid)) this.forgetOlder(record, lsid, txnNumber);
      first.add(lsid);
      insert.run(lsid, stmtId, count, txnNumber, outcome?.toBytes() ?? null, now);
      record.rows += 1;
    }
    this.pending = [];
  }

  /** After a rollback nothing that was noted counts. */
  reset(): void {
    this.pending = [];
    this.sessions.clear();
  }

  /** Deletes records past their time; part of a write batch. */
  reap(now: number): void {
    this.db.statement('DELETE FROM retry WHERE at<?').run(now - RETRY_KEPT_MS);
    this.sessions.clear();
  }

  private forgetOlder(record: SessionRecord, lsid: string, txnNumber: number): void {
    // One row at statement 0 is simply replaced by the next one, which is the case of every single write.
    if (record.rows > 1) {
      this.db.statement('DELETE FROM retry WHERE lsid=? AND txn<?').run(lsid, txnNumber);
    }
    record.rows = 0;
  }

  private session(lsid: string): SessionRecord {
    const known = this.sessions.get(lsid);
    if (known) return known;
    if (this.sessions.size >= MAX_CACHED_SESSIONS && this.pending.length === 0) this.sessions.clear();
    const record = this.stored(lsid);
    this.sessions.set(lsid, record);
    return record;
  }

  private stored(lsid: string): SessionRecord {
    const rows = this.db.statement('SELECT stmt,count,txn,reply FROM retry WHERE lsid=?').all(lsid);
    const record: SessionRecord = { txnNumber: -1, statements: new Map(), rows: rows.length };
    for (const [stmtId, count, txnNumber, reply] of rows as unknown as [
      number,
      number,
      number,
      Uint8Array | null,
    ][]) {
      if (txnNumber < record.txnNumber) continue;
      if (txnNumber > record.txnNumber) record.statements = new Map();
      record.txnNumber = txnNumber;
      const outcome = reply && BDoc.fromBytes(asBuffer(reply));
      for (let at = 0; at < count; at += 1) record.statements.set(stmtId + at, outcome);
    }
    return record;
  }
}
