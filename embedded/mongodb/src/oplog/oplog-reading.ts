import { Timestamp } from 'bson';
import { BDoc } from '../bson/values.js';
import type { BValue } from '../bson/values.js';
import { CommandError } from '../errors.js';
import type { EvalContext } from '../expr/context.js';
import type { Reading } from '../query/execute.js';
import { compileFilter } from '../query/matcher.js';
import { fromTimestamp } from '../storage/commit-clock.js';
import type { Engine } from '../storage/engine.js';

const CHUNK = 256;
const MAX_TIME = Number.MAX_SAFE_INTEGER;

interface Window {
  sort?: BDoc;
  skip?: number;
  limit?: number;
}

/** `find` on `local.oplog.rs`: a key range by `ts`, in `$natural` order one way or the other. */
export function* oplogReading(
  engine: Engine,
  filter: BDoc,
  { sort, skip = 0, limit = 0 }: Window,
  project: ((doc: BDoc) => BDoc) | null,
  context: EvalContext,
): Reading<BDoc> {
  const { matches } = compileFilter(filter, context);
  const reverse = isReverse(sort);
  let [from, to] = timeRange(filter);
  let skipped = 0;
  let taken = 0;
  for (;;) {
    const entries = engine.oplog.read(from, to, CHUNK, reverse);
    for (const { ts, document } of entries) {
      if (reverse) to = ts - 1;
      else from = ts + 1;
      if (!matches(document)) continue;
      if (skipped++ < skip) continue;
      yield project ? project(document) : document;
      taken += 1;
      if (taken === limit) return;
    }
    if (entries.length < CHUNK) return;
    yield undefined;
  }
}

function isReverse(sort: BDoc | undefined): boolean {
  if (!sort || sort.size === 0) return false;
  const [[path, direction]] = sort.entries() as [[string, BValue]];
  if (sort.size === 1 && (path === '$natural' || path === 'ts')) return Number(direction) < 0;
  throw new CommandError('CommandNotSupported', 'the oplog can be sorted by $natural or ts only');
}

/** Bounds of `ts` as commit times; the filter is checked again on every entry. */
function timeRange(filter: BDoc): [number, number] {
  const condition = filter.get('ts');
  if (condition instanceof Timestamp) return [fromTimestamp(condition), fromTimestamp(condition)];
  let from = 0;
  let to = MAX_TIME;
  if (!(condition instanceof BDoc)) return [from, to];
  for (const [operator, value] of condition.entries()) {
    if (!(value instanceof Timestamp)) continue;
    const time = fromTimestamp(value);
    if (operator === '$gt' || operator === '$gte') from = Math.max(from, time);
    else if (operator === '$lt' || operator === '$lte') to = Math.min(to, time);
    else if (operator === '$eq') [from, to] = [time, time];
  }
  return [from, to];
}
