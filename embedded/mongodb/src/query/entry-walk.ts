import { CommandError } from '../errors.js';
import type { Entry, IndexTable, KeyRange } from '../storage/index-table.js';

/** Entries that are walked over before others may run: about a millisecond. */
const STEPS = 8192;

/** Walks over entries, at most so many, without reading documents. @returns how many, and the last if more may follow */
export function* walk(
  table: IndexTable,
  range: KeyRange,
  most: number,
  reverse = false,
): Generator<undefined, { count: number; last?: Entry | undefined }> {
  let count = 0;
  let last: Entry | undefined;
  while (count < most) {
    if (table.dropped) throw killed('an index');
    const steps = Math.min(STEPS, most - count);
    const next = table.skip(range, last, steps, reverse);
    if (!next) return { count: count + table.count(range, steps, last, reverse) };
    count += steps;
    last = next;
    yield undefined;
  }
  return { count, last };
}

export function killed(what: string): CommandError {
  return new CommandError('QueryPlanKilled', `the read was ended because ${what} was dropped`);
}
