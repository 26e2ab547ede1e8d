import type { BDoc } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { Found, Reading } from './find.js';
import type { Sort, SortKey } from './sort.js';

/** Documents that one sort holds in memory, as in MongoDB; beyond it only their sort keys are held. */
const MAX_SORT_BYTES = 100 * 1024 * 1024;
const MAX_SORT_KEYS = 2_000_000;

interface Keyed {
  key: SortKey;
  rid: number;
  /** Null if it is to be read again. */
  doc: BDoc | null;
}

/**
 * A sort that no index serves. With a window (skip plus limit) it never holds more than about twice that many
 * documents. Above 100 MB it keeps the keys and reads the documents `again`, or without `allowDiskUse` fails with 292.
 */
export function* sorted(
  input: Reading<Found>,
  sort: Sort,
  window: number,
  allowDiskUse: boolean,
  again: (rid: number) => BDoc | null,
): Reading<Found> {
  let held: Keyed[] = [];
  let bytes = 0;
  const order = (a: Keyed, b: Keyed): number => sort.compareKeys(a.key, b.key);
  for (const found of input) {
    if (!found) {
      yield undefined;
      continue;
    }
    const { rid, doc } = found;
    held.push({ key: sort.key(doc), rid, doc });
    bytes += doc.toBytes().length;
    if (window > 0 && held.length >= 2 * window + 64) {
      held = held.sort(order).slice(0, window);
      bytes = held.reduce((sum, one) => sum + (one.doc?.toBytes().length ?? 0), 0);
    }
    if (bytes <= MAX_SORT_BYTES) continue;
    if (!allowDiskUse || held.length > MAX_SORT_KEYS) throw tooLarge(held.length);
    for (const one of held) one.doc = null;
    bytes = 0;
  }
  held.sort(order);
  for (const { rid, doc } of window > 0 ? held.slice(0, window) : held) {
    const current = doc ?? again(rid);
    if (current) yield { rid, doc: current };
    if (!doc) yield undefined;
  }
}

function tooLarge(documents: number): CommandError {
  return new CommandError(
    'QueryExceededMemoryLimitNoDiskUseAllowed',
    `Sort exceeded its memory at ${documents} documents: allow disk use, set a limit, or add an index that serves the sort`,
  );
}
