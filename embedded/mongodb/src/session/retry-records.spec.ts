import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doc, toPlain } from '../bson/plain.js';
import { Database } from '../storage/database.js';
import { RETRY_KEPT_MS, RetryRecords } from './retry-records.js';

let directory: string;
let db: Database;
let records: RetryRecords;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'retry-'));
  db = new Database(directory);
  records = new RetryRecords(db);
});

afterEach(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

const write = (txnNumber: number, lsid = 'a'): { lsid: string; txnNumber: number } => ({ lsid, txnNumber });
const rows = (): unknown => db.sqlite.prepare('SELECT count(*) AS n FROM retry').get();

test('outcomes are known for the newest number only; a lower one is 225', () => {
  records.add(write(5), 0, doc({ n: 1, nModified: 1 }));
  expect(toPlain(records.outcomes(write(5)).get(0)!)).toEqual({ n: 1, nModified: 1 });
  expect(records.outcomes(write(6)).size).toBe(0);
  expect(() => records.outcomes(write(4))).toThrow(expect.objectContaining({ code: 225 }));
});

test('outcomes survive a restart; runs of plain inserts take one row', () => {
  for (let statement = 0; statement < 500; statement += 1) records.add(write(1), statement, null);
  records.add(write(1), 500, doc({ n: 0 }));
  records.save();
  expect(rows()).toEqual({ n: 2 });
  const again = new RetryRecords(db).outcomes(write(1));
  expect([again.size, again.get(499)]).toEqual([501, null]);
});

test('a new number replaces the rows of the one before', () => {
  for (const statement of [0, 5, 9]) records.add(write(1), statement, null);
  records.save();
  records.add(write(2), 0, null);
  records.save();
  expect(rows()).toEqual({ n: 1 });
});

test('what a rollback took back is not known', () => {
  records.add(write(1), 0, null);
  records.reset();
  expect(records.outcomes(write(1)).size).toBe(0);
});

test('what the batch of a clean-up has done is known after it, each number by itself', () => {
  records.add(write(1), 0, null);
  records.add(write(2), 1, null);
  records.reap(Date.now());
  records.save();
  expect(records.outcomes(write(2)).size).toBe(1);
  expect(new RetryRecords(db).outcomes(write(2)).size).toBe(1);
});

test('records die with the session timeout', () => {
  records.add(write(1), 0, null);
  records.save();
  records.reap(Date.now() + RETRY_KEPT_MS - 1000);
  expect(rows()).toEqual({ n: 1 });
  records.reap(Date.now() + RETRY_KEPT_MS + 1000);
  expect(rows()).toEqual({ n: 0 });
});
