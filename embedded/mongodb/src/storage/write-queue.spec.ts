import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../errors.js';
import { Database } from './database.js';
import { WriteQueue, type WriteSteps } from './write-queue.js';

let directory: string;
let db: Database;
let queue: WriteQueue;
let events: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'queue-'));
  db = new Database(directory);
  db.sqlite.exec('CREATE TABLE t(n INTEGER PRIMARY KEY)');
  events = [];
  const hooks = { beforeCommit: () => events.push('commit'), rolledBack: () => events.push('rollback') };
  // Batches end by their length, not by how busy the machine is.
  queue = new WriteQueue(db, hooks, Infinity);
});

afterEach(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

const rows = (): number[] =>
  (db.statement('SELECT n FROM t ORDER BY n').all() as unknown as [number][]).map(([n]) => n);

function* insert(...numbers: number[]): WriteSteps<number> {
  for (const n of numbers) {
    db.statement('INSERT INTO t VALUES(?)').run(n);
    yield;
  }
  return numbers.length;
}

test('writes that are queued together share one commit and are told after it', async () => {
  const told = [1, 2, 3].map((n) => queue.run(() => insert(n)).then(() => events.push(`told ${n}`)));
  await Promise.all(told);
  expect(events).toEqual(['commit', 'told 1', 'told 2', 'told 3']);
  expect(rows()).toEqual([1, 2, 3]);
});

test('a lone write is committed at once', async () => {
  await queue.run(() => insert(1));
  expect(queue.stats).toMatchObject({ commits: 1 });
});

test('a large write is committed in slices, and others get their turn between them', async () => {
  const many = queue.run(() => insert(...Array.from({ length: 2500 }, (_, n) => n)));
  let rowsSeen = 0;
  const small = queue.run(() => insert(9999)).then(() => (rowsSeen = rows().length));
  await small;
  expect(rowsSeen).toBeLessThan(2500);
  expect(await many).toBe(2500);
  expect(rows()).toHaveLength(2501);
});

test('a write that waits for others costs their batch one step', async () => {
  let tries = 0;
  const waiting = queue.run(function* (): WriteSteps<void> {
    for (; rows().length < 2_500; tries += 1) yield 'wait';
  });
  await Promise.all([waiting, queue.run(() => insert(...Array.from({ length: 2_500 }, (_, n) => n)))]);
  expect(tries).toBeLessThan(5);
});

test('a refused write fails alone; the rest of its batch is kept', async () => {
  const refused = queue.run(function* () {
    yield;
    throw new CommandError('BadValue', 'no');
  });
  const good = queue.run(() => insert(1));
  await expect(refused).rejects.toMatchObject({ code: 2 });
  expect(await good).toBe(1);
  expect(events).not.toContain('rollback');
});

test('a fault in one write rolls the batch back; the others are told to send theirs again', async () => {
  const before = queue.run(() => insert(1));
  const faulty = queue.run(function* () {
    yield* insert(2);
    throw new TypeError('a programming error');
  });
  const after = queue.run(() => insert(3));
  await expect(before).rejects.toMatchObject({ code: 11602 });
  await expect(faulty).rejects.toThrow(TypeError);
  expect(await after).toBe(1);
  expect(rows()).toEqual([3]);
  expect(events).toEqual(['rollback', 'commit']);
});

test('a full disk refuses writes with 14031; reads go on, and so do writes once there is space', async () => {
  await queue.run(() => insert(1));
  const pages = Number(Object.values(db.sqlite.prepare('PRAGMA page_count').get() ?? {})[0]);
  db.sqlite.exec(`PRAGMA max_page_count=${pages}`);
  const numbers = Array.from({ length: 900 }, (_, n) => n + 2);
  const tooMuch = Array.from({ length: 10 }, (_, n) => numbers.map((one) => one + n * 900));
  const told = await Promise.allSettled(tooMuch.map((some) => queue.run(() => insert(...some))));
  const kept = tooMuch.filter((_, n) => told[n]?.status === 'fulfilled').flat();
  const refused = told.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const error of refused) expect(error).toMatchObject({ code: 14_031 });
  const found = new Set(rows());
  expect([1, ...kept].filter((n) => !found.has(n))).toEqual([]);

  db.sqlite.exec('PRAGMA max_page_count=1000000');
  expect(await queue.run(() => insert(100_000))).toBe(1);
  expect(rows()).toContain(100_000);
});
