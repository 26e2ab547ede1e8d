import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { asBuffer, type Database } from '../storage/database.js';

/** A write that its client may send again under the same number. */
export interface RetryableWrite {
  lsid: string;
  txnNumber: number;
}

/** Records older than the session timeout are of no use to any driver. */
export const RETRY_KEPT_MS = 30 * 60 * 1000;
const MAX_CACHED_SESSIONS = 20_000;

/** Outcome per statement; null stands for the plain `{n: 1}` of an insert. */
type Outcomes = Map<number, BDoc | null>;

interface SessionRecord {
  txnNumber: number;
  statements: Outcomes;
  /** Rows of this session in the table, so that a new number knows whether there is something to delete. */
  rows: number;
}

/** A run of statements with one outcome. */
interface Pending extends RetryableWrite {
  stmtId: number;
  count: number;
  outcome: BDoc | null;
}

type RetryRow = [stmtId: number, count: number, txnNumber: number, reply: Uint8Array | null];

/**
 * What each session's newest retryable write has done, statement by statement. Records are written by the commit that
 * holds the write itself, so a repeated number is answered instead of applied twice, also after a restart.
 */
export class RetryRecords {
  private readonly sessions = new Map<string, SessionRecord>();
  private pending: Pending[] = [];
  /** The running batch deletes old records. */
  private reaped = false;

  constructor(private readonly db: Database) {}

  /** Outcomes known for this number. Must be asked inside a write batch. Throws 225 for a number in the past. */
  outcomes({ lsid, txnNumber }: RetryableWrite): ReadonlyMap<number, BDoc | null> {
    const newest = this.session(lsid);
    if (txnNumber === newest.txnNumber) return newest.statements;
    if (txnNumber > newest.txnNumber) return new Map();
    const text = `txnNumber ${txnNumber} of session ${lsid} is older than its newest one, ${newest.txnNumber}`;
    throw new CommandError('TransactionTooOld', `Retryable write is prohibited: ${text}`);
  }

  /** Notes the outcome of a statement; it is stored by the running batch. */
  add({ lsid, txnNumber }: RetryableWrite, stmtId: number, outcome: BDoc | null): void {
    const record = this.session(lsid);
    if (record.txnNumber !== txnNumber) {
      record.txnNumber = txnNumber;
      record.statements = new Map();
    }
    record.statements.set(stmtId, outcome);
    const last = this.pending.at(-1);
    const isOfSame = last?.lsid === lsid && last.txnNumber === txnNumber;
    if (isOfSame && last.stmtId + last.count === stmtId && !outcome && !last.outcome) last.count += 1;
    else this.pending.push({ lsid, txnNumber, stmtId, count: 1, outcome });
  }

  /** Writes the noted outcomes; runs just before COMMIT. */
  save(): void {
    const now = Date.now();
    const cleared = new Set<string>();
    for (const { lsid, txnNumber, stmtId, count, outcome } of this.pending) {
      const record = this.session(lsid);
      if (!cleared.has(lsid)) {
        // One row at statement 0 is simply replaced by the next one, which is the case of every single write.
        if (record.rows > 1)
          this.db.statement('DELETE FROM retry WHERE lsid=? AND txn<?').run(lsid, txnNumber);
        record.rows = 0;
        cleared.add(lsid);
      }
      this.db
        .statement('INSERT OR REPLACE INTO retry(lsid,stmt,count,txn,reply,at) VALUES(?,?,?,?,?,?)')
        .run(lsid, stmtId, count, txnNumber, outcome?.toBytes() ?? null, now);
      record.rows += 1;
    }
    this.pending = [];
    // Not before: what is only noted is in no row from which it could be read again.
    if (this.reaped || this.sessions.size > MAX_CACHED_SESSIONS) this.sessions.clear();
    this.reaped = false;
  }

  /** After a rollback nothing that was noted counts. */
  reset(): void {
    this.pending = [];
    this.sessions.clear();
  }

  /** Deletes records past their time; part of a write batch. */
  reap(now: number): void {
    this.db.statement('DELETE FROM retry WHERE at<?').run(now - RETRY_KEPT_MS);
    this.reaped = true;
  }

  private session(lsid: string): SessionRecord {
    const known = this.sessions.get(lsid);
    if (known) return known;
    const rows = this.db.statement('SELECT stmt,count,txn,reply FROM retry WHERE lsid=?').all(lsid);
    const record = newestOf(rows as unknown as RetryRow[]);
    this.sessions.set(lsid, record);
    return record;
  }
}

function newestOf(rows: RetryRow[]): SessionRecord {
  const txnNumber = rows.reduce((newest, [, , txn]) => Math.max(newest, txn), -1);
  const statements: Outcomes = new Map();
  for (const [stmtId, count, txn, reply] of rows) {
    if (txn !== txnNumber) continue;
    const outcome = reply && BDoc.fromBytes(asBuffer(reply));
    for (let at = 0; at < count; at += 1) statements.set(stmtId + at, outcome);
  }
  return { txnNumber, statements, rows: rows.length };
}
