import { DatabaseSync } from 'node:sqlite';
import { keyString } from '../bson/keystring.js';
import { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import { asBuffer } from '../storage/database.js';
import type { Found, Reading } from './execute.js';
import type { Sort, SortKey } from './sort.js';

/** Memory of one blocking sort, as in MongoDB. */
const MAX_SORT_BYTES = 100 * 1024 * 1024;
const SPILL_CHUNK_ROWS = 256;

interface Keyed {
  key: SortKey;
  found: Found;
}

/**
 * A sort that no index serves. With a window (skip plus limit) it never holds more than about twice that many
 * documents. Above 100 MB it goes to a temporary file, or with `allowDiskUse: false` fails with 292.
 */
export function* sorted(
  input: Reading<Found>,
  sort: Sort,
  window: number,
  allowDiskUse: boolean,
): Reading<Found> {
  let held: Keyed[] = [];
  let bytes = 0;
  let spill: Spill | null = null;
  const order = (a: Keyed, b: Keyed): number => sort.compareKeys(a.key, b.key);
  try {
    for (const found of input) {
      if (!found) {
        yield undefined;
        continue;
      }
      held.push({ key: sort.key(found.doc), found });
      bytes += found.doc.toBytes().length;
      if (window > 0 && held.length >= 2 * window + 64) {
        held = held.sort(order).slice(0, window);
        bytes = held.reduce((sum, { found: kept }) => sum + kept.doc.toBytes().length, 0);
      }
      if (bytes <= MAX_SORT_BYTES) continue;
      if (!allowDiskUse) throw memoryExceeded();
      spill ??= new Spill(sort);
      spill.add(held);
      held = [];
      bytes = 0;
    }
    if (spill) {
      spill.add(held);
      yield* spill.read();
    } else {
      held.sort(order);
      for (const { found } of window > 0 ? held.slice(0, window) : held) yield found;
    }
  } finally {
    spill?.close();
  }
}

/** Sorted documents in a temporary SQLite file, which SQLite deletes when it is closed. */
class Spill {
  private readonly file = new DatabaseSync('');
  private readonly directions: (1 | -1)[];
  private count = 0;

  constructor(sort: Sort) {
    this.directions = sort.parts.map(({ direction }) => direction);
    this.file.exec(
      'CREATE TABLE s(k BLOB, n INTEGER, rid INTEGER, doc BLOB, PRIMARY KEY(k,n)) WITHOUT ROWID',
    );
  }

  add(batch: Keyed[]): void {
    const insert = this.file.prepare('INSERT INTO s VALUES(?,?,?,?)');
    this.file.exec('BEGIN');
    for (const { key, found } of batch) {
      insert.run(keyString(key, this.directions), this.count++, found.rid, found.doc.toBytes());
    }
    this.file.exec('COMMIT');
  }

  *read(): Reading<Found> {
    const next = this.file.prepare(
      `SELECT k,n,rid,doc FROM s WHERE (k,n)>(?,?) ORDER BY k,n LIMIT ${SPILL_CHUNK_ROWS}`,
    );
    next.setReturnArrays(true);
    let after: [Uint8Array, number] = [Buffer.alloc(0), -1];
    for (;;) {
      const rows = next.all(...after) as unknown as [Uint8Array, number, number, Uint8Array][];
      for (const [key, n, rid, doc] of rows) {
        after = [key, n];
        yield { rid, doc: BDoc.fromBytes(asBuffer(doc)) };
      }
      if (rows.length < SPILL_CHUNK_ROWS) return;
      yield undefined;
    }
  }

  close(): void {
    this.file.close();
  }
}

function memoryExceeded(): CommandError {
  return new CommandError(
    'QueryExceededMemoryLimitNoDiskUseAllowed',
    `Sort exceeded memory limit of ${MAX_SORT_BYTES} bytes, but did not opt in to external sorting.`,
  );
}
